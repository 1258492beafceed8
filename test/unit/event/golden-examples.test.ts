import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pageEvents } from '../../../connector/event/page-events.ts'
import { openWindow } from '../../../connector/event/window.ts'
import type { OutputFormat, SourceTime } from '../../../connector/source/client-source.ts'
import { decodeAnswer } from '../../../connector/source/decode-answer.ts'
import { decodePage } from '../../../connector/source/decode-page.ts'
import { clientShape } from '../../../connector/source/field-shape.ts'

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/events/${name}`, import.meta.url), 'utf8')
/** As it goes over the wire: without the line breaks that are there for the reader. */
const onTheWire = (name: string) => JSON.stringify(JSON.parse(fixture(name)))

const timeZone = 'Europe/Paris'

/** From the text of an answer to the records, as a stream does it. */
function recordsOf(output: OutputFormat, deadLetterClient: 'leave-out' | 'include' = 'leave-out') {
  const shape = clientShape(['Cartes'], () => {})
  const page = decodePage(decodeAnswer(fixture(`page.${output}`), { shape, timeZone }), undefined)
  const { outcomes } = pageEvents(
    {
      clients: page.clients,
      readWith: { lastChanged: '2026-06-15T11:50:00' as SourceTime, checkPoint: null, limit: 100, output },
      readAt: Date.parse('2026-06-15T10:00:00Z'),
      latestReading: '2026-06-15T12:00:00' as SourceTime,
      mapping: { clientId: 'No', modifiedAt: 'DateModification' },
      events: 41,
    },
    openWindow({ frozen: [], seen: [] }, 100),
    {
      source: '/polaris/shops/clients',
      timeZone,
      hashIgnore: new Set(),
      maxValueBytes: 1_000_000,
      deadLetterClient,
    },
  )
  return outcomes.map((outcome) => (outcome.kind === 'suppressed' ? outcome.kind : outcome.record))
}

describe.each(['xml', 'json'] as const)('the example that the README shows, read as %s', (output) => {
  test('a client becomes exactly this event, keyed by its id', () => {
    expect(recordsOf(output)[0]).toEqual({ to: 'events', key: '0001042', value: onTheWire('client-modified.json') })
  })

  test('a client without an id becomes exactly this dead letter, which holds nothing of it', () => {
    expect(recordsOf(output)[1]).toEqual({ to: 'deadLetters', key: null, value: onTheWire('dead-letter.json') })
    expect(fixture('dead-letter.json')).not.toContain('Sans')
  })

  test('the dead letter holds the client where the option asks for it', () => {
    expect(recordsOf(output, 'include')[1]).toEqual({
      to: 'deadLetters',
      key: null,
      value: onTheWire('dead-letter-with-client.json'),
    })
  })
})
