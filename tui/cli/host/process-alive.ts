import { IdentityReader } from '../../../driver/linux/identity.ts';

const processes = new IdentityReader(process.pid);

/** Whether the process that had this id at that start time still runs; without a start time, or off Linux, any process of that id. */
export function processAlive(pid: number, startTime?: number): boolean {
  if (process.platform === 'linux' && startTime !== undefined) return processes.startOf(pid) === startTime;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
