import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closingAfterAll } from '../support/closing.ts'
import { clientText, eventIn } from '../support/cloud-event.ts'
import { javaProgram, printed, projectPath } from '../support/consumers/program.ts'
import { randomTopic, type TableRow } from '../support/consumers/random-topic.ts'
import { markdownFile } from '../support/documentation/markdown-file.ts'

// Each sample, and the SQL of the consumer guide, applies topics whose partitions are read in random orders.

const TOPICS = 300
const closing = closingAfterAll()
const topics = fc.sample(randomTopic, TOPICS)

type Tables = readonly (readonly TableRow[])[]

/** What a program prints: the rows of each topic as a line. */
async function tablesOf(command: readonly string[]): Promise<Tables> {
  const lines = topics.flatMap(({ records }) => [...records, null])
  return (await printed(command, lines))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

async function inJava(): Promise<Tables> {
  const files = ['contract/consumers/java/Clients.java', 'test/support/consumers/Drive.java']
  return await tablesOf(await javaProgram(closing, files))
}

const inPython = () =>
  tablesOf([
    projectPath('.cache/python-client/bin/python3'),
    projectPath('test/support/consumers/drive.py'),
    projectPath('contract/consumers/python'),
  ])

interface NodeRow {
  readonly event: { readonly source: string; readonly subject: string; readonly data: object }
}

async function inNode(): Promise<Tables> {
  const { apply } = await import(projectPath('contract/consumers/node/clients.js'))
  return topics.map(({ records }) => {
    const clients = new Map<string, Map<string, NodeRow>>()
    for (const record of records) apply(clients, record)
    const rows = [...clients.values()].flatMap((sources) => [...sources.values()])
    return rows.map(({ event: { source, subject, data } }) => [source, subject, JSON.stringify(data)])
  })
}

/** Postgres and SQLite have these statements in common. */
function inSql(): Tables {
  const [{ text: block } = { text: '' }] = markdownFile('docs/consumer-guide.md').blocks.filter(isSql)
  const [table = '', offsets = '', upsert = '', erase = ''] = block.split(/;.*\n/)
  return topics.map(({ records }) => {
    const database = new DatabaseSync(':memory:')
    database.exec(`${table};${offsets}`)
    const statements = { upsert: database.prepare(upsert), erase: database.prepare(erase) }
    for (const record of records) {
      const { key, partition, value } = record
      if (value === null) {
        statements.erase.run({ $1: key, $2: partition })
        continue
      }
      const { source, sequence } = eventIn(record)
      const data = clientText(record)
      statements.upsert.run({ $1: `${source}`, $2: key, $3: `${sequence}`, $4: partition, $5: data })
    }
    const rows = database.prepare('SELECT source, client, data FROM clients').all()
    database.close()
    return rows.map(({ source, client, data }) => [`${source}`, `${client}`, `${data}`])
  })
}

const isSql = ({ language }: { readonly language: string }) => language === 'sql'

const inOrder = (tables: Tables) => tables.map((rows) => rows.map((row) => row.join(' ')).toSorted())

test.each<[string, () => Tables | Promise<Tables>]>([
  ['the sample in Node', inNode],
  ['the sample in Java', inJava],
  ['the sample in Python', inPython],
  ['the SQL of the consumer guide', inSql],
])(
  '%s keeps the rows of the source, in whatever order it reads the partitions',
  async (_, tables) => {
    const rows = inOrder(topics.map((topic) => topic.rows))
    expect(rows.flat().length).toBeGreaterThan(TOPICS)
    expect(inOrder(await tables())).toEqual(rows)
  },
  180_000,
)
