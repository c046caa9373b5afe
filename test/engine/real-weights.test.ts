import { expect, test } from 'vitest';
import { readDumpFile } from '../../engine/dumps/dump-reader.ts';
import { conditionFault } from '../../engine/embedded/validate-condition.ts';
import { automaticWeight } from '../../engine/embedded/weight.ts';
import { layerByKey } from '../../engine/model/layers.ts';
import { hasRealData, realFile } from '../dumps/real-data.ts';

/** Dumps of three machines, with the fields that their builds have. */
const MACHINES = [
  ['keploy.wfpstate.xml', 'older'],
  ['LibGrabber.wfpfilters.xml', 'newer'],
  ['le_voile-a.filters.xml', 'newer'],
] as const;
const AUTOMATIC = (1n << 60n) - 1n;

test.each(MACHINES)('automatic weights put the filters of %s in the order that Windows did', async (name, set) => {
  if (!hasRealData()) return;
  const { filters } = await readDumpFile(realFile(name));
  const weighed = Map.groupBy(
    filters.flatMap(filter => {
      const layer = layerByKey(filter.layerKey, set);
      // At the _FAST layers, which have no fields, Windows puts a number of its own.
      if (layer === undefined || layer.fields.length === 0 || filter.weight.type === 'FWP_UINT64') return [];
      return [
        { layer: layer.name, ours: automaticWeight(layer, filter.filterCondition), theirs: filter.effectiveWeight & AUTOMATIC },
      ];
    }),
    one => one.layer,
  );
  let pairs = 0;
  let alike = 0;
  for (const list of weighed.values()) {
    for (const a of list) {
      for (const b of list) {
        if (a.theirs <= b.theirs) continue;
        pairs++;
        if (a.ours > b.ours) alike++;
      }
    }
  }
  expect(pairs).toBeGreaterThan(1000);
  expect(alike / pairs).toBeGreaterThan(0.995);
});

test.each(MACHINES)('every condition of %s passes the checks of an add', async (name, set) => {
  if (!hasRealData()) return;
  const { filters } = await readDumpFile(realFile(name));
  let checked = 0;
  for (const filter of filters) {
    const layer = layerByKey(filter.layerKey, set);
    if (layer === undefined) continue;
    for (const condition of filter.filterCondition) {
      expect(conditionFault(layer, condition)).toBeUndefined();
      checked++;
    }
  }
  expect(checked).toBeGreaterThan(500);
});
