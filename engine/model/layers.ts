import type { Guid } from './guid.ts';
import { parseGuid } from './guid.ts';
import { CONDITION_KEY, LAYER_KEY, SUBLAYER_KEY } from './keys.ts';
import { FIELD_LISTS, LAYER_ROWS, TYPE_OF_CODE } from './layers.gen.ts';
import type { Layer, LayerField } from './objects.ts';

/** Which builds' fields: `newer` is Windows 11 24H2 and later, which appended a few fields to 30 layers. */
export type LayerSet = 'newer' | 'older';

const FLAGS = [
  'FWPM_LAYER_FLAG_KERNEL',
  'FWPM_LAYER_FLAG_BUILTIN',
  'FWPM_LAYER_FLAG_CLASSIFY_MOSTLY',
  'FWPM_LAYER_FLAG_BUFFERED',
];
const conditionKeys: { readonly [name: string]: Guid } = CONDITION_KEY;
const layerKeys: { readonly [name: string]: Guid } = LAYER_KEY;
const fieldLists = new Map<number, readonly LayerField[]>();
const built: Record<LayerSet, Map<Guid, Layer>> = { newer: new Map(), older: new Map() };
let rowOfKey: Map<Guid, (typeof LAYER_ROWS)[number]> | undefined;

function fieldsOf(list: number): readonly LayerField[] {
  let fields = fieldLists.get(list);
  if (fields === undefined) {
    fields = FIELD_LISTS[list]!.split(' ')
      .filter(spec => spec !== '')
      .map(spec => {
        const colon = spec.indexOf(':');
        const name = spec.slice(0, colon);
        const mark = spec[colon + 1];
        const code = spec.at(-1) as keyof typeof TYPE_OF_CODE;
        const type = mark === '@' ? 'FWPM_FIELD_IP_ADDRESS' : mark === '!' ? 'FWPM_FIELD_FLAGS' : 'FWPM_FIELD_RAW_DATA';
        return { fieldKey: conditionKeys[name]!, name, type, dataType: TYPE_OF_CODE[code] };
      });
    fieldLists.set(list, fields);
  }
  return fields;
}

/** The layer with this GUID as a state dump of such a build shows it; parsed on first use. */
export function layerByKey(key: Guid, set: LayerSet = 'newer'): Layer | undefined {
  const known = built[set].get(key);
  if (known !== undefined) return known;
  rowOfKey ??= new Map(LAYER_ROWS.map(row => [layerKeys[row[0]] ?? row[0], row]));
  const row = rowOfKey.get(key);
  if (row === undefined) return undefined;
  const [name, layerId, flags, newer, older] = row;
  const layer: Layer = {
    layerKey: key,
    name,
    layerId,
    flags: FLAGS.filter((_, bit) => (flags & (1 << bit)) !== 0),
    fields: fieldsOf(set === 'newer' ? newer : older),
    defaultSubLayerKey: SUBLAYER_KEY.UNIVERSAL,
  };
  built[set].set(key, layer);
  return layer;
}

/** The layer by name (`ALE_AUTH_CONNECT_V4`, with or without FWPM_LAYER_) or GUID text. */
export function layerByName(name: string, set: LayerSet = 'newer'): Layer | undefined {
  const bare = name.replace(/^FWPM_LAYER_/, '');
  const key = Object.hasOwn(layerKeys, bare) ? layerKeys[bare] : parseGuid(name);
  return key === undefined ? undefined : layerByKey(key, set);
}

/** Layer by run-time id. User-mode ids (87 and up) move with the build: never keep them. */
export function layerById(id: number, set: LayerSet = 'newer'): Layer | undefined {
  const row = LAYER_ROWS.find(candidate => candidate[1] === id);
  return row && layerByKey(layerKeys[row[0]] ?? row[0], set);
}

/** Every layer in the order of its id. */
export function allLayers(set: LayerSet = 'newer'): readonly Layer[] {
  return LAYER_ROWS.map(([name]) => layerByKey(layerKeys[name] ?? name, set)!);
}
