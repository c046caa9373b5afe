import type { ProcessIdentity } from '../../engine/model/attempt.ts';

const MAX_ARGUMENTS = 64;
const MAX_NAMES = 4;
const HOST = /^(?=.{4,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62}\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})$/;
/** Endings that are files far more often than hosts when they stand alone. */
const FILE_ENDINGS =
  /\.(?:js|mjs|cjs|ts|tsx|jsx|json|py|sh|rb|pl|rs|go|c|h|md|txt|html|css|xml|yml|yaml|toml|conf|cfg|log|zip|gz|tgz|xz|so|o|a)$/;

function hostOf(argument: string): string | undefined {
  const url = /^(?:--?[\w-]+=)?[a-z][a-z0-9+.-]*:\/\/(?:[^/@\s]*@)?([^/:?#\s[\]]+)/i.exec(argument);
  if (url) return url[1];
  const remote = /^[\w.-]+@([\w.-]+)(?::.*)?$/.exec(argument);
  if (remote) return remote[1];
  const bare = /^([\w.-]+?)\.?(:\d{1,5})?$/.exec(argument);
  return bare?.[1] && (bare[2] || !FILE_ENDINGS.test(bare[1])) ? bare[1] : undefined;
}

/**
 * Host names that stand in a command line: the weakest evidence, for programs whose look-ups cannot be seen. It is not known
 * which of them an address belongs to.
 */
export function namesInCommandLine(process: ProcessIdentity): readonly string[] {
  const names = new Set<string>();
  for (const argument of (process.commandLine ?? []).slice(1, MAX_ARGUMENTS)) {
    const host = hostOf(argument)?.toLowerCase();
    if (host && HOST.test(host)) names.add(host);
    if (names.size === MAX_NAMES) break;
  }
  return [...names];
}
