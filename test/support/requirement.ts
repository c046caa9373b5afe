/**
 * Says whether something a test needs is there. By hand a missing thing is told and the test may skip; in CI it fails,
 * so a green run can never come from skipping.
 * @param howToFix what to type, in one line
 */
export function requirement(name: string, ok: boolean, howToFix: string): boolean {
  if (ok) return true;
  if (process.env['CI']) throw new Error(`missing here: ${name}. ${howToFix}`);
  console.warn(`skipped, missing here: ${name}. ${howToFix}`);
  return false;
}
