/** The exit codes of all commands, as `--help` and docs/operations.md explain them. */
const exitCodes = {
  0: 'done, or all agrees, or `run` was stopped',
  1: 'the answer is no (audit differs, doctor finds a failure), fenced, or a defect',
  2: 'wrong configuration or argument',
  3: 'Polaris, Kafka or S3 is missing, no replica has confirmed in time, or a command was stopped before its end',
} as const

export type ExitCode = keyof typeof exitCodes

/** Returns the highest exit code of several streams; 0 without any. */
export function highestExit(exits: readonly ExitCode[]): ExitCode {
  return ([3, 2, 1] as const).find((exit) => exits.includes(exit)) ?? 0
}

/** Every exit code and its meaning, also of a process that a second signal ended. */
export const exitRows: readonly (readonly [string, string])[] = [
  ...Object.entries(exitCodes),
  ['128+n', 'ended by a second signal n'],
]

/**
 * What follows an error: `retry` indefinitely, for `source.*` the page; `hold` the stream until the cause is resolved;
 * `back-off`: its scan waits and begins again, and a command ends; `lost`: the stream belongs to another replica;
 * `exit` the command (`run` holds the stream).
 */
type Then = 'retry' | 'hold' | 'back-off' | 'lost' | 'exit'

interface CatalogueEntry {
  readonly then: Then
  /**
   * The exit code of a command that ends with the error: 1 if an operator has to decide what becomes of a checkpoint.
   */
  readonly exit: Exclude<ExitCode, 0>
  /** What an operator does about the error of a command, as an imperative. */
  readonly hint: string
  /** What an operator does about the error in `run`, and what `run` does by itself. */
  readonly runHint: string
  /** Whether its procedure is a section of docs/runbook.md, because the hint is not enough. */
  readonly hasRunbook: boolean
}

const row =
  (then: Then, exit: CatalogueEntry['exit']) =>
  (hint: string, meanwhile?: string): CatalogueEntry => ({
    then,
    exit,
    hint,
    runHint: meanwhile === undefined ? hint : `${hint}; ${meanwhile}`,
    hasRunbook: false,
  })
const retry = row('retry', 3)
const hold = row('hold', 3)
const refuse = row('exit', 2)
const holdSetting = row('hold', 2)
const retrySetting = row('retry', 2)
const holdDecision = (hint: string) => inRunbook(row('hold', 1)(hint))

/** Says that the runbook has a section for the error. */
const inRunbook = (entry: CatalogueEntry): CatalogueEntry => ({ ...entry, hasRunbook: true })

/** Gives the error another hint in `run` than in a command, not only more to say. */
const withRunHint = (entry: CatalogueEntry, runHint: string): CatalogueEntry => ({ ...entry, runHint })

/** This imperative cures what may be lost. */
const publishAgain =
  'publish all clients again: `polaris-connector checkpoint rewind STREAM --to beginning --republish --yes`'

/** What `run` does with an account that was refused. */
const triesOfAccount =
  'after `resume`, the account is tried at once, with a new password in its file; otherwise within 30 minutes'

/** All error codes. Add a code only if an operator would act differently. */
export const errorCatalogue = {
  // Some are of kafkajs, and occur only while brokers restart: the next opening cures them.
  bug: inRunbook(row('hold', 1)('report this defect of the connector with the surrounding log lines')),
  'config.invalid': refuse('correct the listed settings; `polaris-connector lint` checks them without connecting'),
  'command.invalid': refuse('correct the command as the message says; its `--help` describes the options'),

  'source.unreachable': inRunbook(
    retry(
      'check POLARIS_URL, POLARIS_PROXY, the network and the server; if responses take too long, lower POLARIS_LIMIT',
      '`run` retries indefinitely',
    ),
  ),
  'source.throttled': retry(
    'raise POLL_INTERVAL or lower polaris.requestsPerSecond: the server received too many requests',
  ),
  'source.server-error': retry('check the log of the server if the error persists'),
  'source.error-document': inRunbook(
    retry(
      'check the log of the server: it reports an error; if the message names a field that is no error, add it to POLARIS_STATUS_FIELDS',
    ),
  ),
  'source.function-missing': inRunbook(
    retry(
      'check POLARIS_URL; the server may have withdrawn the obsolete Client.GetClientsModified (its successor is WebConnect)',
    ),
  ),
  'source.request-refused': inRunbook(
    retrySetting(
      'check POLARIS_LAST_CHANGED, POLARIS_CODE_MAGASIN, POLARIS_LIMIT, POLARIS_OUTPUT and POLARIS_URL: the server rejects the request or redirects it',
    ),
  ),
  'source.answer-malformed': inRunbook(
    retry(
      'wait if the server is in maintenance; otherwise compare the response with POLARIS_URL, POLARIS_OUTPUT and the field settings: it is no complete page of clients',
    ),
  ),
  'source.answer-too-large': retrySetting(
    'lower POLARIS_LIMIT; if it is small, the server ignores it, or this is no page of clients',
  ),
  'source.mapping': inRunbook(
    holdSetting('set the field names: POLARIS_CLIENTS_FIELD, POLARIS_CLIENT_ID_FIELD, POLARIS_MODIFIED_AT_FIELD'),
  ),
  'source.unauthorized': inRunbook(
    hold(
      'check POLARIS_AUTH, POLARIS_USER and POLARIS_PASSWORD, and any sign-in page in front of the server',
      triesOfAccount,
    ),
  ),
  'source.forbidden': hold(
    'grant the user the right «consultation des membres clients» or «saisie des membres clients»; check whether a proxy or an address filter denies access',
    triesOfAccount,
  ),
  'source.certificate': inRunbook(
    holdSetting(
      'compare POLARIS_CA or POLARIS_TLS_FINGERPRINTS with the certificate of the server, or follow the message: it may name polaris.tls.minVersion or the client certificate (POLARIS_TLS_CERT)',
      'after a change in their files, the stream resumes by itself; any other change needs a restart',
    ),
  ),
  'source.proxy-refused': hold(
    'check user and password in POLARIS_PROXY, and whether the proxy allows CONNECT to the server',
    triesOfAccount,
  ),
  'source.stuck': row(
    'back-off',
    3,
  )(
    'raise POLARIS_LIMIT, or report to the operator of the server that its paging does not advance or that it rejects its own checkPoint',
  ),

  'event.too-many-dead-letters': holdDecision(
    'check the dead-letter topic and the field settings: too many clients cannot become events',
  ),

  'publish.failed': inRunbook(
    retry(
      'check KAFKA_BROKERS, the network and TLS, then the brokers, min.insync.replicas and quotas, or what the message names',
      '`run` retries indefinitely',
    ),
  ),
  'publish.outcome-unknown': withRunHint(
    retry('repeat the command: Kafka did not confirm whether the transaction was committed'),
    'no action needed: reopening the stream determines whether the transaction was committed',
  ),
  'publish.fenced': withRunHint(
    row('lost', 1)('repeat the command: another process opened the stream, or its transaction took too long'),
    'no action needed in a group; with PLACEMENT=single, run only one process',
  ),
  'publish.refused': hold(
    'check the settings and limits of the topics, such as max.message.bytes: Kafka rejects the request permanently',
  ),
  'publish.hanging-transaction': inRunbook(
    hold('commit or abort the hanging transaction of the expired producer id, as the message says'),
  ),
  'publish.topic-missing': inRunbook(
    hold(
      'create the topic; the connector creates a missing one only while it opens the stream, with `kafka.topics.create: true`',
    ),
  ),
  'publish.unauthorized': hold(
    'add the ACL that the message names (`polaris-connector doctor --acls` prints all that are needed); without one, check the SASL settings',
    'the stream resumes automatically',
  ),

  'storage.unavailable': retry(
    'check CHECKPOINT_URL, AWS_ENDPOINT_URL_S3 and the network, or the space in the directory',
    'the stream waits for the store',
  ),
  'storage.refused': inRunbook(
    retry(
      'check the bucket, the credentials, the region and the policy, or the permissions of the directory: the checkpoint store rejects the request',
    ),
  ),
  'storage.no-conditional-writes': hold(
    'use another store: this one ignores conditional writes, which the checkpoint requires',
  ),

  'checkpoint.conflict': withRunHint(
    row('retry', 1)('repeat the command: another process wrote the checkpoint at the same time'),
    'no action needed: another process is opening or running this stream; the opening is retried',
  ),
  'checkpoint.damaged': holdDecision(
    `restore a valid version of the document (CONNECTOR/STREAM.json in CHECKPOINT_URL); if there is none, ${publishAgain}`,
  ),
  'checkpoint.unknown-format': holdDecision('run the newer connector version that wrote the document'),
  'checkpoint.other-stream': inRunbook(
    holdSetting('put the document of this stream back, correct the settings, or give the stream another name'),
  ),
  'checkpoint.topic-in-use': inRunbook(
    holdSetting(
      `use another topic, or publish all clients to this one: set \`kafka.adoptTopic: true\`, or ${publishAgain}`,
    ),
  ),
  'checkpoint.undecided': holdDecision(
    'nobody knows whether the last transaction was committed: run `polaris-connector checkpoint rewind STREAM --to beginning --yes`, after which the clients of one page group may be published twice',
  ),
  'checkpoint.rolled-back': holdDecision(
    `restore the newest version of the document (CONNECTOR/STREAM.json in CHECKPOINT_URL); if it is lost, ${publishAgain}`,
  ),
  'checkpoint.topic-lost': holdDecision(
    `restore the topic of the published events, or correct the settings; if it is lost, ${publishAgain}`,
  ),
  'checkpoint.events-lost': holdDecision(`restore the topic; if events are lost, ${publishAgain}`),
  'checkpoint.index-damaged': holdDecision(
    `restore the missing or damaged segment below CONNECTOR/STREAM.index in CHECKPOINT_URL; if there is no copy, ${publishAgain}`,
  ),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof errorCatalogue

export interface NamesOfHint {
  readonly connector: string
  readonly stream: string
}

/** Returns a hint with the names of a stream, ready to paste. */
export const hintFor = (hint: string, { connector, stream }: NamesOfHint) =>
  hint.replaceAll('CONNECTOR/', `${connector}/`).replaceAll('STREAM', stream)

/** Returns what an operator does about an error, with the section of the runbook if there is one. */
export function hintOf(code: ErrorCode, where: 'command' | 'run'): string {
  const { hint, runHint, hasRunbook } = errorCatalogue[code]
  const section = hasRunbook ? `; runbook: section \`${code}\`` : ''
  return (where === 'run' ? runHint : hint) + section
}
