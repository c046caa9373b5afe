/** Whether a full-screen program may be drawn: both ends are a terminal that understands cursor addressing. */
export function canDraw(stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream, env: NodeJS.ProcessEnv): boolean {
  return Boolean(stdin.isTTY && stdout.isTTY) && env['TERM'] !== 'dumb';
}
