import { type Command, type CommandOption, MAX_CLIENTS } from './command.ts'

const fileDescription = 'YAML file; default: environment variables only'
const config: CommandOption = { value: 'file', short: 'c', description: fileDescription }
const json: CommandOption = { description: 'print JSON' }
const idsDescription = `a client id, may be repeated; - reads ids from standard input, one a line; at most ${MAX_CLIENTS}`
const client: CommandOption = { value: 'id', multiple: true, description: idsDescription }

/** Every command, in the order of `--help`. */
export const commandList: readonly Command[] = [
  {
    name: 'run',
    summary: 'publish modified clients to Kafka until stopped',
    usage: `Serves the status page (/), /healthz, /readyz, /metrics and /status. The first SIGTERM or SIGINT
finishes the page in hand, a second exits at once. With --until-caught-up, runs all streams without
the consumer group until each has caught up, is paused or is held: stop the replicas first.`,
    options: { config, 'until-caught-up': { description: 'end when all streams have caught up' } },
    examples: ['run --config connector.yaml', 'run --until-caught-up --config connector.yaml'],
    load: async () => (await import('./run.ts')).run,
  },
  {
    name: 'pause',
    summary: 'stop reading and publishing a stream until it is resumed',
    usage: `Its replica sees it within ten seconds; resumed, the stream reads what changed meanwhile. Needs
neither Kafka nor a running replica. Waits until nothing is published any more, at most a minute.`,
    takesStream: true,
    options: {
      config,
      reason: { value: 'text', description: 'why: shown in logs and /status, so no personal data' },
      json,
    },
    examples: ['pause lyon --config connector.yaml --reason maintenance'],
    load: async () => (await import('./pause.ts')).pause,
  },
  {
    name: 'resume',
    summary: 'let a paused stream run again, or have a held one try again now',
    usage: 'Its replica sees it within ten seconds, and the stream continues where it stopped.',
    takesStream: true,
    options: { config, json },
    examples: ['resume lyon --config connector.yaml'],
    load: async () => (await import('./pause.ts')).resume,
  },
  {
    name: 'erase',
    summary: 'delete clients from the topic, for example on request of the person',
    usage: `Publishes tombstones, with which compaction deletes the events of the clients: delete the clients in
Polaris first. Needs Kafka, and no replica. A running replica is fenced, and opens its stream again. Exit code 0
means erased; after any other, repeat the command. Then reads the topic, and prints the ids without a record
there, which may be misspelled. Does not touch the dead-letter topic or copies that subscribers keep: see
docs/security.md.`,
    takesStream: true,
    options: {
      config,
      client,
      as: { value: ['removed'], description: 'with ce_type client.removed: Polaris has none' },
      json,
    },
    examples: ['erase lyon --config connector.yaml --client -', 'erase lyon --client - --as removed < ids.txt'],
    load: async () => (await import('./erase.ts')).erase,
  },
  {
    name: 'doctor',
    summary: 'check everything that run needs, without affecting the streams',
    usage: `Checks the configuration, Polaris, Kafka (topics, permissions, a trial transaction), the checkpoint
store, and whether each stream can open. From Polaris it reads two pages from the beginning, and up
to 20 pages of the last day. Prints a verdict for each check, and what to do.`,
    takesStream: true,
    options: {
      config,
      save: {
        value: 'folder',
        description: 'save what Polaris answers, without credentials, in a new folder: personal data',
      },
      acls: { description: 'only print the commands that add all Kafka ACLs that are needed' },
      json,
    },
    examples: ['doctor --config connector.yaml', 'doctor lyon --save answers', 'doctor --config connector.yaml --acls'],
    load: async () => (await import('./doctor.ts')).doctor,
  },
  {
    name: 'audit',
    summary: 'compare the clients in the source with those in the topic; show where one client is',
    usage: `Reads all clients of Polaris from POLARIS_LAST_CHANGED on, and the whole events topic. Costs the server
one full scan or two, and 300 bytes of memory for each client. Changes nothing, but with
--remove-gone; then it also sets rewinds, so that such a client is published if it returns. --ids
missing prints those that are different, too, --ids similar those that differ from each other in white
space or case only. With --client, exit code 0 says that nothing is left anywhere: the proof of an
erasure.`,
    takesStream: true,
    options: {
      config,
      ids: { value: ['missing', 'gone', 'similar'], description: 'print only the ids of these clients: personal data' },
      'remove-gone': { value: 'count', range: [0, MAX_CLIENTS], description: 'erase who is gone, if at most so many' },
      client: { ...client, description: 'show where this client is; - reads its id from standard input' },
      json,
    },
    examples: ['audit lyon --ids missing --config connector.yaml', 'audit lyon --remove-gone 100'],
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'preview',
    summary: 'print the first events as they would be published, and publish nothing',
    usage: `Reads clients from the beginning of the stream (POLARIS_LAST_CHANGED, or else of the last day).
Connects to Polaris only. Masks what it prints of a client: a word is xxx, a digit 9.`,
    takesStream: true,
    options: {
      config,
      schema: { description: 'print a JSON Schema of the first clients (default: 1000) as they would be published' },
      limit: { value: 'number', range: [1, 1000], description: 'number of events, at most 1000; default: 3' },
      from: { value: 'folder', description: 'read answers that doctor --save has saved, in place of the server' },
      'show-data': { description: 'do not mask the clients: prints personal data' },
      json,
    },
    examples: ['preview lyon --config connector.yaml --limit 10', 'preview lyon --schema'],
    load: async () => (await import('./preview.ts')).preview,
  },
  {
    name: 'lint',
    summary: 'check the configuration without connecting',
    usage: 'Prints every problem, where it is and how to correct it.',
    options: { config, json },
    examples: ['lint --config connector.yaml'],
    load: async () => (await import('./lint.ts')).lint,
  },
  {
    name: 'checkpoint show',
    summary: 'show how far the streams have read, and which replica runs them',
    usage: `Reads the checkpoints and changes nothing. Without a stream, prints one row for each; of one stream,
its scans in progress, too. Times are in UTC, but those of clients in the time of the server.
Exit code 1: a checkpoint cannot be read. doctor says whether an absent one is lost.`,
    takesStream: true,
    options: { config, json },
    examples: ['checkpoint show --config connector.yaml', 'checkpoint show lyon --config connector.yaml'],
    load: async () => (await import('./checkpoint-show.ts')).checkpointShow,
  },
  {
    name: 'checkpoint rewind',
    summary: 'make a stream read its history again from a time; cures held streams',
    usage: `The replica that runs the stream, or opens it next, applies it once: it reads the clients modified
since the time again, beside the live scans, and publishes those whose content differs from what was
published last. Waits until a replica has applied it, at most a minute; the wish stays.
With --republish, also publishes unchanged clients, and erased ones that still exist in Polaris; with
--client besides, only these. --yes also cures a stream that is held over the checkpoint as it is
stored now; what may be lost needs --republish besides: see docs/runbook.md.`,
    takesStream: true,
    options: {
      config,
      to: { value: 'time', description: 'ISO 8601, without a zone in the local time of the server; or: beginning' },
      republish: { description: 'also publish unchanged clients again' },
      client,
      yes: { description: 'also cure a hold over the checkpoint that is stored now' },
      json,
    },
    examples: [
      'checkpoint rewind lyon --config connector.yaml --to 2026-01-31T08:00:00',
      'checkpoint rewind lyon --config connector.yaml --to beginning --republish --client -',
    ],
    load: async () => (await import('./checkpoint-rewind.ts')).checkpointRewind,
  },
]
