import { openWindowsEngine } from '../../engine/windows/engine.ts';
import { filterEngineContract } from '../engine/filter-engine-contract.ts';
import { report } from './report.ts';

/** Runs under Wine: the shared contract of FilterEngine against this machine's Base Filtering Engine. */
for (const { name, run } of filterEngineContract) await report(name, () => run(options => openWindowsEngine(options)));
