/** What follows an error: `retry` later for ever, `recheck` a few times and then stop, `reopen` the stream a few times and then stop it, `stop` the stream for an operator, `lost` the stream to another replica, `exit` the command. */
type Then = 'retry' | 'recheck' | 'reopen' | 'stop' | 'lost' | 'exit'

interface CatalogueEntry {
  readonly then: Then
  /** Exit code of a one-shot command: 1 bug, 2 configuration or request wrong, 3 surroundings missing. */
  readonly exit: 1 | 2 | 3
  /** What an operator does about it. */
  readonly hint: string
}

const entry = (then: Then, exit: 1 | 2 | 3, hint: string): CatalogueEntry => ({ then, exit, hint })

/** Every code, once. A new one only if somebody would act differently. */
export const errorCatalogue = {
  bug: entry('reopen', 1, 'this is a defect of the connector: report it with the log lines around it'),
  'config.invalid': entry(
    'exit',
    2,
    'correct the settings listed; `polaris-connector lint` checks them without connecting',
  ),

  'source.unreachable': entry('retry', 3, 'check POLARIS_URL, the network and the server; it is tried again for ever'),
  'source.timeout': entry('retry', 3, 'the server answers too slowly: lower POLARIS_LIMIT or raise the timeouts'),
  'source.throttled': entry('retry', 3, 'the server asked to slow down: raise POLL_INTERVAL'),
  'source.server-error': entry('retry', 3, 'the server failed; look into its log if this stays'),
  'source.answer-truncated': entry('retry', 3, 'the answer ended early; a proxy or the server cut it'),
  'source.answer-not-a-page': entry(
    'retry',
    3,
    'something else than a page of clients came back: check POLARIS_URL and what stands between',
  ),
  'source.error-document': entry('retry', 3, 'the server answered with an error document; look into its log'),
  'source.answer-too-large': entry('stop', 3, 'lower POLARIS_LIMIT or raise the byte cap of an answer'),
  'source.answer-malformed': entry(
    'recheck',
    3,
    'the answer breaks the protocol; compare it with POLARIS_OUTPUT and the field settings',
  ),
  'source.mapping': entry(
    'stop',
    2,
    'name the fields: POLARIS_CLIENTS_FIELD, POLARIS_CLIENT_ID_FIELD, POLARIS_MODIFIED_AT_FIELD',
  ),
  'source.unauthorized': entry('stop', 3, 'check POLARIS_AUTH, POLARIS_USER and POLARIS_PASSWORD, then restart'),
  'source.forbidden': entry(
    'stop',
    3,
    'give the user the right «consultation des membres clients» or «saisie des membres clients»',
  ),
  'source.function-missing': entry(
    'stop',
    3,
    'the obsolete Client.GetClientsModified may have been withdrawn from this server: its successor is WebConnect',
  ),
  'source.request-refused': entry(
    'stop',
    2,
    'the server refuses the request: check POLARIS_LAST_CHANGED, POLARIS_CODE_MAGASIN, POLARIS_LIMIT and POLARIS_OUTPUT',
  ),
  'source.redirected': entry('stop', 2, 'the server points to another origin: set POLARIS_URL to where it really is'),
  'source.certificate': entry(
    'stop',
    2,
    'check POLARIS_CA or POLARIS_TLS_FINGERPRINT against the certificate of the server',
  ),
  'source.stuck': entry('stop', 3, 'the server pages in a circle; report it to its operator, then restart'),
  'source.checkpoint-refused': entry(
    'stop',
    3,
    'the server refuses its own checkPoint; `checkpoint set` makes the stream read again from a date',
  ),

  'event.too-many-dead-letters': entry(
    'stop',
    3,
    'too many clients cannot become events: look at the dead-letter topic and the field settings',
  ),

  'publish.failed': entry('retry', 3, 'Kafka did not do what it was asked; it is tried again'),
  'publish.outcome-unknown': entry(
    'retry',
    3,
    'the end of a transaction got no answer; reopening the stream finds out what happened',
  ),
  'publish.unreachable': entry(
    'retry',
    3,
    'check KAFKA_BROKERS, the network and the TLS settings; it is tried again for ever',
  ),
  'publish.fenced': entry(
    'lost',
    1,
    'another process opened the stream: in a group it comes back if it belongs here; with PLACEMENT=single run one process',
  ),
  'publish.refused': entry(
    'stop',
    3,
    'Kafka refuses for good: check the topics and their limits; `polaris-connector doctor` compares them',
  ),
  'publish.ends-lost': entry(
    'stop',
    3,
    'Kafka lost the ends of two transactions in one partition: abort them by hand, then `checkpoint set` to before them',
  ),
  'publish.topic-missing': entry('stop', 3, 'create the topic, or allow the connector to'),
  'publish.unauthorized': entry(
    'stop',
    3,
    'check the SASL settings; `polaris-connector doctor` names the ACLs that are missing; a stream that has stopped needs a restart then',
  ),

  'storage.unavailable': entry('retry', 3, 'the checkpoint store does not answer; the stream waits for it'),
  'storage.refused': entry(
    'retry',
    3,
    'the checkpoint store refuses access: check credentials, bucket, region and policy',
  ),
  'storage.no-conditional-writes': entry(
    'stop',
    3,
    'the store ignores conditional writes, which the checkpoint needs: use another store',
  ),

  'checkpoint.conflict': entry('retry', 3, 'somebody else is opening or running this stream; it is tried again'),
  'checkpoint.missing': entry(
    'stop',
    3,
    'the document is gone although Kafka has a note: put it back, or `checkpoint set` a new beginning',
  ),
  'checkpoint.damaged': entry(
    'stop',
    3,
    'put a good version of the document back, or `checkpoint set` a new beginning',
  ),
  'checkpoint.unknown-format': entry('stop', 3, 'the document was written by a newer connector: run that version'),
  'checkpoint.other-stream': entry(
    'stop',
    2,
    'the document belongs to another stream, source, cluster or topic: correct the settings or CHECKPOINT_URL',
  ),
  'checkpoint.rolled-back': entry(
    'stop',
    3,
    'Kafka knows of a later state than the document: put its newest version back, or `checkpoint set`',
  ),
  'checkpoint.note-lost': entry(
    'stop',
    3,
    'Kafka forgot a commit that the document knows of: compare the topic, then `checkpoint set`',
  ),
  'checkpoint.invalid-request': entry('exit', 2, 'correct the arguments of the command'),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue
