import { describe, expect, test } from 'vitest'
import {
  type ControlDocument,
  noRequests,
  parseControl,
  serializeControl,
} from '../../../connector/control/control-document.ts'
import { type KnownControl, restored, seenControl } from '../../../connector/control/lost-control.ts'
import {
  cancelled,
  type NewRequest,
  openRequests,
  pauseOf,
  recorded,
  requested,
} from '../../../connector/control/requests.ts'
import type { SeenControl } from '../../../connector/control/stream-requests.ts'

const pause = (stream = 'paris'): NewRequest => ({ kind: 'pause', stream, reason: 'maintenance' })
const resume = (stream = 'paris'): NewRequest => ({ kind: 'resume', stream })
const again = (client: string): NewRequest => ({
  kind: 'republish',
  stream: 'paris',
  from: null,
  wanted: { kind: 'clients', keys: [client] },
})

/** The document after these requests; their ids are those of the fields. */
function following(before: ControlDocument, requests: Record<string, NewRequest>): ControlDocument {
  return Object.entries(requests).reduce(
    (document, [id, wanted]) => ({
      ...(requested(document, wanted, { id, by: 'operator', at: 1 }) ?? document),
      revision: document.revision + 1,
    }),
    before,
  )
}
const noCheckpoints: KnownControl['checkpoints'] = new Map()
const knowing = (document: ControlDocument | undefined, checkpoints = noCheckpoints): KnownControl => ({
  document,
  checkpoints,
})
const pausedAt = (revision: number) => ({
  revision,
  pause: { id: 'p', reason: 'maintenance', requestedAt: 1, requestedBy: 'operator' },
})
const idsOf = (document: ControlDocument | undefined) => document?.requests.map(({ id }) => id)

describe('a control object', () => {
  const known = following(noRequests, { p: pause(), l: pause('lyon'), r: resume('lyon'), e: again('7'), d: again('8') })
  const done = recorded(known, new Map([['d', { at: 5, outcome: 'complete' as const }]]), 'replica-1') ?? known

  test('is not lost when it is as known, newer, or absent for new streams', () => {
    expect(restored(known, knowing(known))).toBeUndefined()
    expect(restored(following(known, { q: pause('lyon') }), knowing(known))).toBeUndefined()
    expect(restored(noRequests, knowing(undefined))).toBeUndefined()
    expect(restored(noRequests, knowing(undefined, new Map([['paris', { revision: 0, pause: null }]])))).toBeUndefined()
  })

  test('that was deleted gets all pauses and resumptions, and the open requests', () => {
    const found = restored(noRequests, knowing(done))
    expect(idsOf(found)).toEqual(['p', 'l', 'r', 'e'])
    expect(found?.revision).toBe(done.revision)
  })

  test('that was rolled back gets what it lacks, after what that has replaced', () => {
    const earlier = following(noRequests, { p: pause(), l: pause('lyon') })
    const found = restored(earlier, knowing(done))
    expect(found && [pauseOf(found, 'paris')?.id, pauseOf(found, 'lyon'), idsOf(found)]).toEqual([
      'p',
      undefined,
      ['p', 'l', 'r', 'e'],
    ])
  })

  test.each([
    [
      'lacks what is in force',
      following(noRequests, { a: again('1'), b: again('2'), c: again('3'), f: again('4'), g: again('5') }),
    ],
    ['shows as open what was carried out', { ...known, revision: done.revision }],
    ['shows as cancelled what was carried out', cancelled(known, 'd', { by: 'operator', at: 4 })],
  ])('that was rolled back and then raised to the known revision is noticed when it %s', (_, stored = noRequests) => {
    expect(stored.revision).toBeGreaterThanOrEqual(done.revision)
    const found = restored(stored, knowing(done))
    expect(found && openRequests(found, 'paris').map(({ id }) => id)).toEqual(
      expect.arrayContaining(openRequests(done, 'paris').map(({ id }) => id)),
    )
    expect(found?.requests.filter(({ id, progress }) => id === 'd' && progress.kind !== 'done')).toEqual([])
    expect(found && pauseOf(found, 'paris')?.id).toBe('p')
  })

  test('that was written so often that it may lack what was carried out is not lost', () => {
    const ids = Array.from({ length: 60 }, (_, at) => [`n${at}`, again(`${at}`)])
    expect(restored(following(noRequests, Object.fromEntries(ids)), knowing(done))).toBeUndefined()
  })

  test.each([
    ['deleted', noRequests],
    ['rolled back', known],
    ['rolled back to an open request', following(noRequests, { d: again('8') })],
  ])('that was %s is the same for replicas that know different endings, after each has written once', (_, lost) => {
    const ofOther = recorded(
      following(known, { q: resume() }),
      new Map([['e', { at: 6, outcome: 'complete' as const }]]),
      'replica-2',
    )
    const knownBy = [done, ofOther ?? known]
    let stored: ControlDocument = lost
    const write = (replica: number) => {
      const found = restored(stored, knowing(knownBy[replica]))
      stored = found === undefined ? stored : { ...found, revision: found.revision + 1 }
      knownBy[replica] = stored
      return found !== undefined
    }
    for (const replica of [0, 1, 0]) write(replica)
    expect([write(1), write(0)]).toEqual([false, false])
    expect(pauseOf(stored, 'paris')).toBeUndefined()
  })

  test('that has an earlier pause of a resumed stream back, from another replica, does not pause it again', () => {
    const whole = following(noRequests, { l: pause('lyon'), p: pause(), r: resume() })
    const without = { ...whole, requests: whole.requests.filter(({ id }) => id !== 'p') }
    const found = restored(whole, knowing(recorded(without, new Map([['l', { at: 5 }]]), 'replica-1')))
    expect(found && [pauseOf(found, 'paris'), pauseOf(found, 'lyon')?.progress.kind]).toEqual([undefined, 'done'])
    expect(idsOf(found)).toEqual(['l', 'p', 'r'])
  })

  test('that was deleted keeps what operators requested since', () => {
    const since = following(noRequests, { n: pause('lyon'), m: again('9') })
    const found = restored(since, knowing(done))
    expect(idsOf(found)).toEqual(['p', 'l', 'r', 'e', 'n', 'm'])
    expect(found && openRequests(found, 'paris').map(({ id }) => id)).toEqual(['e', 'm'])
  })

  test('gets the pauses of checkpoints when no replica knows it, and those that are newer than what one knows', () => {
    const checkpoints = new Map<string, SeenControl>([
      ['paris', pausedAt(9)],
      ['lyon', { revision: 8, pause: null }],
    ])
    const found = restored(noRequests, knowing(undefined, checkpoints))
    expect(found && [pauseOf(found, 'paris'), pauseOf(found, 'lyon'), found.revision]).toEqual([
      expect.objectContaining({ id: 'p', reason: 'maintenance', progress: { kind: 'requested' } }),
      undefined,
      9,
    ])
    const older = following(noRequests, { e: again('7') })
    expect(idsOf(restored(noRequests, knowing(older, checkpoints)))).toEqual(['e', 'p'])
  })

  test('does not get the pause of a checkpoint that a newer known document has ended', () => {
    const resumed = following(noRequests, { p: pause(), r: resume() })
    const found = restored(noRequests, knowing(resumed, new Map([['paris', pausedAt(1)]])))
    expect(found && [pauseOf(found, 'paris'), idsOf(found)]).toEqual([undefined, ['p', 'r']])
  })

  test('does not get the pause of a checkpoint that an operator has ended since a rollback', () => {
    const since = following(noRequests, { p: pause(), r: resume() })
    const found = restored(since, knowing(undefined, new Map([['paris', pausedAt(7)]])))
    expect(found && [pauseOf(found, 'paris'), found.revision]).toEqual([undefined, 7])
  })

  test('that was rolled back to before a pause was ended stays paused if only checkpoints know more', () => {
    const earlier = following(noRequests, { p: pause() })
    const found = restored(earlier, knowing(undefined, new Map([['paris', { revision: 5, pause: null }]])))
    expect(found && pauseOf(found, 'paris')?.id).toBe('p')
  })

  test('is kept by a checkpoint as its revision and the pause in force', () => {
    expect(seenControl(known, 'paris')).toEqual(pausedAt(5))
    expect(seenControl(known, 'lyon')).toEqual({ revision: 5, pause: null })
  })

  test('keeps requests of kinds that are not known, and is damaged by a wrong request of a known kind', () => {
    const other = { kind: 'compact', stream: 'paris', deep: { a: [1] } }
    const text = (...requests: unknown[]) => JSON.stringify({ format: 1, nonce: 'n', revision: 3, requests })
    const document = parseControl(text(other, ...done.requests))
    expect(idsOf(document)).toEqual(idsOf(done))
    expect(JSON.parse(serializeControl(document)).requests).toEqual([...done.requests, other])
    expect(restored(noRequests, knowing(document))?.others).toEqual([other])
    const since = { kind: 'compact', id: 'n' }
    expect(restored({ ...noRequests, others: [since] }, knowing(document))?.others).toEqual([other, since])
    expect(() => parseControl(text({ kind: 'pause' }))).toThrow('invalid document at requests.0')
    expect(() => parseControl(text({ id: '1' }))).toThrow('invalid document')
  })
})
