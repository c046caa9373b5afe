/**
 * Writes the tables of WFP names and layers (`*.gen.ts`) from the data in ../shared/data:
 *   node engine/model/generate.ts            writes them
 *   node engine/model/generate.ts --check    exits 1 when one is stale
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Constants {
  layers: Record<string, string>;
  conditions: Record<string, string>;
  sublayers: Record<string, string>;
  providers: Record<string, string>;
  callouts: Record<string, string>;
  errors: Record<string, string>;
}
interface LayerData {
  id: number;
  flags: string[];
  defaultSubLayer: string;
  fields: [name: string, fieldType: string, dataType: string][];
}
type LayerSets = Record<'newer' | 'older', Record<string, LayerData>>;

const here = fileURLToPath(new URL('.', import.meta.url));
const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const HEAD = '// Written by engine/model/generate.ts; do not edit.\n';

/**
 * Second names that fwpmu.h gives to a condition by #define. ARRIVAL_SUB_INTERFACE_INDEX and its like have no GUID of their own.
 * https://learn.microsoft.com/windows/win32/fwp/filtering-conditions-available-at-each-filtering-layer
 */
const ALIAS: Record<string, string> = {
  ICMP_TYPE: 'IP_LOCAL_PORT',
  ICMP_CODE: 'IP_REMOTE_PORT',
  VSWITCH_ICMP_TYPE: 'IP_SOURCE_PORT',
  VSWITCH_ICMP_CODE: 'IP_DESTINATION_PORT',
  INTERFACE: 'IP_LOCAL_INTERFACE',
  LOCAL_INTERFACE_TYPE: 'INTERFACE_TYPE',
  LOCAL_TUNNEL_TYPE: 'TUNNEL_TYPE',
  LOCAL_INTERFACE_INDEX: 'INTERFACE_INDEX',
  ARRIVAL_SUB_INTERFACE_INDEX: 'SUB_INTERFACE_INDEX',
  ALE_SIO_FIREWALL_SOCKET_PROPERTY: 'ALE_SIO_FIREWALL_SYSTEM_PORT',
};

/** One letter for each data type that a field has. */
const TYPE_CODE: Record<string, string> = {
  FWP_UINT8: 'b',
  FWP_UINT16: 'h',
  FWP_UINT32: 'i',
  FWP_UINT64: 'l',
  FWP_BYTE_ARRAY6_TYPE: 'm',
  FWP_BYTE_ARRAY16_TYPE: 'x',
  FWP_BYTE_BLOB_TYPE: 'o',
  FWP_SID: 's',
  FWP_TOKEN_INFORMATION_TYPE: 't',
  FWP_TOKEN_ACCESS_INFORMATION_TYPE: 'a',
};
const FIELD_CODE: Record<string, string> = { FWPM_FIELD_RAW_DATA: '', FWPM_FIELD_IP_ADDRESS: '@', FWPM_FIELD_FLAGS: '!' };
const FLAG_BIT: Record<string, number> = {
  FWPM_LAYER_FLAG_KERNEL: 1,
  FWPM_LAYER_FLAG_BUILTIN: 2,
  FWPM_LAYER_FLAG_CLASSIFY_MOSTLY: 4,
  FWPM_LAYER_FLAG_BUFFERED: 8,
};

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`generate: no code for ${what}; extend the table in generate.ts`);
  return value;
}

const readJson = <T>(name: string): T => JSON.parse(readFileSync(data + name, 'utf8')) as T;
const bare = (name: string) => name.replace(/^FWPM_(LAYER|CONDITION|SUBLAYER|PROVIDER|CALLOUT)_/, '').replace(/^\{(.*)\}$/, '$1');

function table(name: string, doc: string, source: Record<string, string>): string {
  const rows = Object.entries(source)
    .map(([key, guid]) => `  ${bare(key)}: '${guid}',`)
    .sort();
  return `\n/** ${doc} */\nexport const ${name} = {\n${rows.join('\n')}\n} as const;\n`;
}

function errors(constants: Constants): string {
  const rows = Object.entries(constants.errors).map(([name, code]) => `  ${name}: ${code},`);
  return `${HEAD}\n/** FWP_E_* as unsigned HRESULTs (winerror.h). */\nexport const FWP_E = {\n${rows.join('\n')}\n} as const;\n`;
}

function keys(constants: Constants): string {
  return (
    HEAD +
    table('LAYER_KEY', 'FWPM_LAYER_* of fwpmu.h, without the prefix.', constants.layers) +
    table(
      'CONDITION_KEY',
      'FWPM_CONDITION_* of fwpmu.h, without the prefix; aliases stand in CONDITION_ALIAS.',
      constants.conditions,
    ) +
    table('SUBLAYER_KEY', 'FWPM_SUBLAYER_* of fwpmu.h, without the prefix.', constants.sublayers) +
    table('PROVIDER_KEY', 'FWPM_PROVIDER_* of fwpmu.h, without the prefix.', constants.providers) +
    table('CALLOUT_KEY', 'FWPM_CALLOUT_* of fwpmu.h, without the prefix.', constants.callouts) +
    table('CONDITION_ALIAS', 'Second names of condition keys: the name that the GUID goes by.', ALIAS)
  );
}

function fieldList(layer: LayerData): string {
  return layer.fields
    .map(([name, field, type]) => `${bare(name)}:${must(FIELD_CODE[field], field)}${must(TYPE_CODE[type], type)}`)
    .join(' ');
}

function layers(sets: LayerSets): string {
  const lists: string[] = [];
  const indexOf = (list: string) => {
    if (!lists.includes(list)) lists.push(list);
    return lists.indexOf(list);
  };
  const rows = Object.entries(sets.newer)
    .sort(([, a], [, b]) => a.id - b.id)
    .map(([name, newer]) => {
      const older = must(sets.older[name], name);
      if (older.id !== newer.id) throw new Error(`generate: ${name} has two ids`);
      if (newer.defaultSubLayer !== 'FWPM_SUBLAYER_UNIVERSAL') throw new Error(`generate: ${name} has another default sublayer`);
      const flags = newer.flags.reduce((bits, flag) => bits | must(FLAG_BIT[flag], flag), 0);
      return `  ['${bare(name)}', ${newer.id}, ${flags}, ${indexOf(fieldList(newer))}, ${indexOf(fieldList(older))}],`;
    });
  return `${HEAD}
/** Field lists: name:type code, in the order of the run-time field index. */
export const FIELD_LISTS: readonly string[] = [
${lists.map(list => `  '${list}',`).join('\n')}
];

/** Name (or GUID), layerId, FWPM_LAYER_FLAG_* bits, field list of newer builds (24H2 and later), field list of older builds. */
export const LAYER_ROWS: readonly (readonly [name: string, id: number, flags: number, newer: number, older: number])[] = [
${rows.join('\n')}
];

/** Codes of the data types in FIELD_LISTS; before them @ marks an address field, ! a flags field. */
export const TYPE_OF_CODE = {
${Object.entries(TYPE_CODE)
  .map(([type, code]) => `  ${code}: '${type}',`)
  .join('\n')}
} as const;
`;
}

function main(check: boolean): number {
  if (!existsSync(`${data}wfp-constants.json`)) {
    console.error(`generate: ${data} is not here, so the generated tables cannot be ${check ? 'checked' : 'written'}.`);
    return check && !process.env['CI'] ? 0 : 1;
  }
  const constants = readJson<Constants>('wfp-constants.json');
  const files = {
    'errors.gen.ts': errors(constants),
    'keys.gen.ts': keys(constants),
    'layers.gen.ts': layers(readJson<LayerSets>('layers-from-wfpstate.json')),
  };
  let stale = 0;
  for (const [name, text] of Object.entries(files)) {
    const path = here + name;
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    if (check) {
      console.error(`generate: engine/model/${name} is stale; run: node engine/model/generate.ts`);
      stale++;
    } else writeFileSync(path, text);
  }
  return stale > 0 ? 1 : 0;
}

process.exitCode = main(process.argv.includes('--check'));
