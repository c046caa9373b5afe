import { spawn } from 'node:child_process';
import { CLI } from './pty.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly home: string;
  readonly env?: Record<string, string>;
  readonly input?: string;
  readonly cwd?: string;
}

/** Runs the built program without a terminal. */
export function sallyport(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const env: NodeJS.ProcessEnv = { ...process.env, SALLYPORT_HOME: options.home, ...options.env };
  delete env['NODE_OPTIONS'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CLI, ...args], { env, ...(options.cwd ? { cwd: options.cwd } : {}), stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', data => {
      stdout += data;
    });
    child.stderr.on('data', data => {
      stderr += data;
    });
    child.on('error', reject);
    child.on('close', code => resolve({ code, stdout, stderr }));
    child.stdin.end(options.input ?? '');
  });
}
