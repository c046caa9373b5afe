import { builtinProviders, builtinSubLayers } from '../../engine/model/builtin.ts';
import type { Guid } from '../../engine/model/guid.ts';
import { allLayers, layerById } from '../../engine/model/layers.ts';
import { DATA_TYPE } from '../../engine/model/value.ts';

const FLAGS = [
  'FWPM_LAYER_FLAG_KERNEL',
  'FWPM_LAYER_FLAG_BUILTIN',
  'FWPM_LAYER_FLAG_CLASSIFY_MOSTLY',
  'FWPM_LAYER_FLAG_BUFFERED',
];
/** Which field weighs more in an automatic weight, as observed on real machines; 0 is the heaviest. */
const RANKS = [
  /^IP_(REMOTE|DESTINATION)_ADDRESS$/,
  /^IP_LOCAL_INTERFACE$/,
  /^IP_PROTOCOL$/,
  /^IP_LOCAL_PORT$/,
  /^IP_REMOTE_PORT$/,
  /^ALE_(APP|PACKAGE)_ID$/,
  /^ALE_USER_ID$/,
  /^FLAGS$/,
  /INTERFACE_TYPE$|TUNNEL_TYPE$/,
  /PROFILE_ID$/,
];
const FIELD_TYPES = ['FWPM_FIELD_RAW_DATA', 'FWPM_FIELD_IP_ADDRESS', 'FWPM_FIELD_FLAGS'];

function guid(key: Guid): string {
  const hex = key.replaceAll('-', '');
  const tail = hex
    .slice(16)
    .match(/../g)!
    .map(byte => `0x${byte}`);
  return `{ 0x${hex.slice(0, 8)}, 0x${hex.slice(8, 12)}, 0x${hex.slice(12, 16)}, { ${tail.join(', ')} } }`;
}

/** The built-in layers, sublayers and providers as C tables for the stand-in of the Base Filtering Engine. */
export function layersHeader(): string {
  const fields: string[] = [];
  const layers = allLayers().map(layer => {
    const first = fields.length;
    for (const field of layer.fields) {
      const rank = RANKS.findIndex(pattern => pattern.test(field.name));
      const row = [
        guid(field.fieldKey),
        FIELD_TYPES.indexOf(field.type),
        DATA_TYPE[field.dataType],
        rank < 0 ? RANKS.length : rank,
      ];
      fields.push(`    { ${row.join(', ')} },`);
    }
    const flags = layer.flags.reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
    return `    { ${guid(layer.layerKey)}, L"${layer.name}", ${flags}, ${layer.layerId}, ${first}, ${layer.fields.length}, ${guid(layer.defaultSubLayerKey)} },`;
  });
  const subLayers = builtinSubLayers().map(
    subLayer => `    { ${guid(subLayer.subLayerKey)}, L"${subLayer.displayData.name}", ${subLayer.weight} },`,
  );
  const providers = builtinProviders().map(
    provider => `    { ${guid(provider.providerKey)}, L"${provider.displayData.name}", 0 },`,
  );
  return [
    '/* Written by test/windows-lab/generate-layers.ts from engine/model. */',
    'static const struct { GUID key; int type, dataType, rank; } builtinFields[] = {',
    ...fields,
    '};',
    'static const struct { GUID key; const wchar_t *name; UINT32 flags; UINT16 id; int firstField, fieldCount; GUID subLayer; } builtinLayers[] = {',
    ...layers,
    '};',
    'static const struct { GUID key; const wchar_t *name; UINT16 weight; } builtinSubLayers[] = {',
    ...subLayers,
    '};',
    'static const struct { GUID key; const wchar_t *name; UINT16 weight; } builtinProviders[] = {',
    ...providers,
    '};',
    '',
  ].join('\n');
}

const CLASSIFIED = [44, 46, 48, 50];
const INDICATED = [
  'ALE_APP_ID',
  'IP_LOCAL_ADDRESS',
  'IP_REMOTE_ADDRESS',
  'IP_LOCAL_PORT',
  'IP_REMOTE_PORT',
  'IP_PROTOCOL',
  'IP_LOCAL_INTERFACE',
  'FLAGS',
  'REAUTHORIZE_REASON',
];

/** Places of the fields that the kernel stand-in indicates, by the order that state dumps of real machines show. */
export function fieldsHeader(): string {
  const lines = CLASSIFIED.flatMap(id => {
    const layer = layerById(id)!;
    const places = INDICATED.map(name => {
      const index = layer.fields.findIndex(field => field.name === name);
      if (index < 0) throw new Error(`${layer.name} has no field ${name}`);
      return `#define FIELD_${id}_${name} ${index}`;
    });
    return [...places, `#define FIELD_${id}_COUNT ${layer.fields.length}`];
  });
  return ['/* Written by test/windows-lab/generate-layers.ts from engine/model. */', ...lines, ''].join('\n');
}
