import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { plantedMarks } from '../polaris/polaris-simulator.ts'
import { checkpointObject, storedSegments } from '../support/checkpoint-object.ts'
import { says } from '../support/connector-process.ts'
import { expectNothingPersonal, httpOutputs } from '../support/nothing-personal.ts'
import { never } from '../support/signals.ts'
import { scene, untilCaughtUp } from '../support/stream-scene.ts'
import type { TopicRecord } from '../support/topic-reader.ts'

// The topic, the checkpoint and all output are searched for what the rules drop or hash.

const DAY_MS = 86_400_000
const key = 'the first key of this test, long enough'
const newKey = 'the second key of this test, long enough'
const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('base64url')

const fields = `
Mail: hmac
Mobile: hmac
Cartes.Carte.Numero: hmac
Nom: drop
Prenom: drop
Telephone: drop
Adresse: drop
Adresse.CodePostal: keep`
/** Every scan reads all clients again. */
const times = { poll: { overlapMs: 20 * DAY_MS } }
const settings = {
  POLARIS_CLIENT_ID_FIELD: 'No',
  EVENT_FIELDS: fields,
  EVENT_HMAC_KEY: key,
  LOG_LEVEL: 'trace',
}

interface Event {
  readonly data: Readonly<Record<string, unknown>>
}
const eventOf = (record: TopicRecord | undefined) => record?.value as Event

test('publishes nothing of dropped or hashed fields, and clients that are read again once more after a new key and other rules', async () => {
  const modifiedBetween = [Date.now() - 10 * DAY_MS, Date.now() - DAY_MS] as const
  const { simulator, start, name, caughtUp, records } = await scene({
    source: { clients: 30, modifiedBetween },
    environment: settings,
    times,
  })
  const outputs: string[] = []
  const run = async (args: readonly string[], more: Record<string, string> = {}) => {
    const command = start(more, args)
    expect(await command.exitCode(60_000)).toBe(0)
    outputs.push(command.output())
    return command.lines()
  }
  /** Reads every client again, because of the overlap. Resolves to the number of events. */
  const readAgain = async (more: Record<string, string> = {}) => {
    const before = (await records()).length
    const ended = (await run(untilCaughtUp, more)).find(({ msg }) => msg === 'caught up')
    expect(ended?.clients).toBeGreaterThanOrEqual(30)
    return (await records()).length - before
  }

  const first = start()
  const published = await caughtUp()
  // Live scans alone may have published all: then a later run ends with the history, not with a live scan.
  await first.line(says('caught up'))
  outputs.push(...(await httpOutputs(first)))
  expect(await first.stop()).toBe(0)
  outputs.push(first.output())
  expect(published).toHaveLength(30)
  const event = eventOf(published[0])
  expect(event).toMatchObject({
    data: {
      Adresse: { CodePostal: expect.stringMatching(/^\d{5}$/) },
      Mail: hmac(key, `client.${published[0]?.key}@canari.example`),
      Mobile: expect.stringMatching(/^[\w-]{43}$/),
    },
  })
  for (const dropped of ['Nom', 'Prenom', 'Telephone']) expect(event.data).not.toHaveProperty(dropped)

  expect(await readAgain()).toBe(0)
  const other = {
    EVENT_HMAC_KEY: newKey,
    EVENT_FIELDS: 'No: keep\nNoVersion: keep\nMail: hmac',
    EVENT_OTHER_FIELDS: 'drop',
  }
  expect(await readAgain(other)).toBe(30)
  expect(await readAgain(other)).toBe(0)
  const [changed = ''] = simulator.clientIds
  simulator.change(changed)
  expect(await readAgain(other)).toBe(1)
  const all = await records()
  expect(all).toHaveLength(61)
  const latest = all.filter((record) => record.key === changed).at(-1)
  expect(eventOf(latest).data).toEqual({
    No: changed,
    NoVersion: expect.any(String),
    Mail: hmac(newKey, `client.${changed}@canari.example`),
  })

  const segments = storedSegments(name)
  const names = await segments.list(never)
  const stored = await Promise.all(
    names.map(async (one) => Buffer.from((await segments.get(one, never)) ?? []).toString('latin1')),
  )
  const checkpoint = (await checkpointObject(name).read())?.text ?? ''
  expectNothingPersonal(outputs)
  for (const text of [...all.map((record) => record.text), checkpoint, ...stored])
    for (const mark of plantedMarks) expect(text).not.toContain(mark)
  for (const secret of [key, newKey]) expect(outputs.join('\n')).not.toContain(secret)
})
