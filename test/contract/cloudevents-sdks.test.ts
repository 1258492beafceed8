import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { structuredHeaders } from '../../connector/event/cloud-event/event-form.ts'
import { closingAfterAll } from '../support/closing.ts'
import { javaProgram, printed, projectPath } from '../support/consumers/program.ts'

// The SDKs of CloudEvents read the golden examples in both modes.

const closing = closingAfterAll()
const key = '0001042'
const example = (name: string) => readFileSync(projectPath(`contract/v1/examples/${name}.json`), 'utf8')
const names = ['client-modified', 'client-republished']
const headers = structuredHeaders('/polaris/shops/clients')
const structured = names.map((name) => ({ key, headers, value: example(name) }))
const binary = names.map((name) => {
  const { headers, value } = JSON.parse(example(`${name}-binary`))
  return { key, headers, value: JSON.stringify(value) }
})
const records = [...structured, ...binary]

type Events = readonly Record<string, unknown>[]
const eventsIn = (output: string): Events =>
  output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

const python = (version: 1 | 2) => async () =>
  eventsIn(
    await printed(
      [projectPath(`.cache/cloudevents-${version}/bin/python3`), projectPath('test/support/consumers/sdk_events.py')],
      records,
    ),
  )

const inJava = async () =>
  eventsIn(await printed(await javaProgram(closing, ['test/support/consumers/SdkEvents.java']), records))

function inNode(): Events {
  const { Kafka } = createRequire(projectPath('.cache/cloudevents/'))('cloudevents')
  return records.map((record) => JSON.parse(JSON.stringify(Kafka.toEvent(record))))
}

/**
 * The SDKs add the key of the record as `partitionkey`, and know a text or a time by their own types. Python 1.x takes the
 * content type of the record for that of the data.
 */
const comparable = ({ partitionkey, datacontenttype, time, snapshot, historycomplete, ...event }: Events[number]) => ({
  ...event,
  at: Date.parse(`${time}`),
  marks: `${snapshot} ${historycomplete}`.toLowerCase(),
})

test.each<[string, () => Events | Promise<Events>]>([
  ['Python 1.x', python(1)],
  ['Python 2.x', python(2)],
  ['JavaScript', inNode],
  ['Java', inJava],
])(
  'the SDK of %s reads the same events in structured and in binary mode',
  async (_, events) => {
    const expected = names.map((name) => comparable(JSON.parse(example(name))))
    expect((await events()).map(comparable)).toEqual([...expected, ...expected])
  },
  180_000,
)
