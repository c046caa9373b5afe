import { workerData } from 'node:worker_threads';
import { runSupervisor } from '../../../driver/linux/supervisor.ts';
import { Classifier } from '../../../engine/embedded/classifier.ts';
import { decideAttempt } from '../../../engine/rules/attempt-values.ts';
import { applyUpdate, type ReplicaUpdate, registerAskCallouts } from './replica.ts';

/** The supervisor's thread: decides by its own copy of the filters, so no decision waits for the screen. */
const classifier = new Classifier();
registerAskCallouts(classifier);
applyUpdate(classifier, (workerData as { replica: ReplicaUpdate }).replica);

runSupervisor({
  decide: attempt => decideAttempt((layerKey, values) => classifier.classify(layerKey, values), attempt),
  onPublish: message => applyUpdate(classifier, message as ReplicaUpdate),
});
