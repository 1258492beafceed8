/** What one stream is called at the broker. The ACLs of `docs/security.md` are for these names. */
export interface StreamNames {
  readonly clientId: string
  readonly transactionalId: string
  /** The group whose offset is the note. Nobody consumes with it. */
  readonly noteGroup: string
}

/** Connector and stream match `[a-z0-9-]+`, so that the dot keeps two streams apart. */
export function streamNames(connector: string, stream: string): StreamNames {
  const name = `${connector}.${stream}`
  return { clientId: name, transactionalId: name, noteGroup: name }
}
