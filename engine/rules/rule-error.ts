/** Something wrong with a rule or a rules file. The message is one sentence for a person: what, where, what to do. */
export class RuleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RuleError';
  }
}
