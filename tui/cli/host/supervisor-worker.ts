import { workerData } from 'node:worker_threads';
import { runSupervisor } from '../../../driver/linux/supervisor.ts';
import { Classifier } from '../../../engine/embedded/classifier.ts';
import type { CommittedChange, EngineSnapshot } from '../../../engine/embedded/engine.ts';
import { decideAttempt } from '../../../engine/rules/attempt-values.ts';
import { registerAskCallouts } from './replica.ts';

/** The supervisor's thread: decides by its own copy of the filters, so no decision waits for the screen. */
const classifier = new Classifier((workerData as { replica: EngineSnapshot }).replica);
registerAskCallouts(classifier);

runSupervisor({
  decide: attempt => decideAttempt((layerKey, values) => classifier.classify(layerKey, values), attempt),
  onPublish: message => classifier.applyChanges(message as readonly CommittedChange[]),
});
