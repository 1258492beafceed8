import { describe, expect, test } from 'vitest'
import type { CheckpointDocument } from '../../../../connector/checkpoint/checkpoint-document.ts'
import { type FieldAction, fieldHash, fieldRules } from '../../../../connector/event/fields/field-rules.ts'
import { clientTable } from '../../../../connector/index/client-table.ts'
import { clientKey, entryWordsOf, withdrawnEntry } from '../../../../connector/index/index-entry.ts'
import { deltaText, deltaWords, withEntries } from '../../../../connector/index/index-state.ts'
import { sortedEntries } from '../../../../connector/index/segment.ts'
import type { AuditResult } from '../../../../connector/inspect/audit/audit-stream.ts'
import type { ClientSource } from '../../../../connector/source/client-source.ts'
import { entry } from '../../index/entries.ts'
import { beginAt } from '../../stream/open/open-parts.ts'
import { auditedStream, wholeClients } from './audited-stream.ts'

/** The kinds that were counted. */
function kindsOf({ differences, exceptions }: AuditResult): Record<string, number> {
  return Object.fromEntries(Object.entries({ ...differences, ...exceptions }).filter(([, count]) => count > 0))
}

/** A source that does something before it returns a page with a token, once. */
function once(source: ClientSource, work: () => void | Promise<void>): ClientSource {
  let isDone = false
  return {
    read: async (at, stop, patience) => {
      if (at.checkPoint !== null && !isDone) {
        isDone = true
        await work()
      }
      return await source.read(at, stop, patience)
    },
  }
}

describe('an audit', () => {
  test('finds the same clients everywhere, and changes nothing', async () => {
    const { poll, audit, progress, store, kafka } = auditedStream()
    await poll()
    const before = [...store.history('shop/clients.json')]
    const result = await audit()
    expect(result.clients).toEqual({ source: 10, index: 10, topic: 10 })
    expect(kindsOf(result)).toEqual({})
    expect(result.ids).toBeUndefined()
    expect([...new Set(progress.map(({ step }) => step))]).toEqual(['topic', 'source'])
    expect(store.history('shop/clients.json')).toEqual(before)
    expect(kafka.committed).toHaveLength(10)
  })

  test('takes the last content of a client that the source returns twice', async () => {
    const { poll, audit, polaris } = auditedStream()
    await poll()
    // The first page has the client already; it comes again later.
    const reads = once(polaris.source('audit'), () => polaris.change('c1'))
    expect(kindsOf(await audit({ reads, isPaused: true }))).toEqual({ outdated: 1 })
  })

  test('does not count a client as different that the replica erases after the topic was read', async () => {
    const { poll, audit, edit } = auditedStream()
    await poll()
    const key = clientKey('c1')
    const erased = ({ committed, ...document }: CheckpointDocument): CheckpointDocument => {
      const { state } = committed
      const known = clientTable(sortedEntries(deltaWords(state.index.delta))).get(key) ?? entry(0)
      const { events } = state
      const index = withEntries(state.index, deltaText(entryWordsOf([[key, withdrawnEntry(known, events)]])))
      return { ...document, committed: { ...committed, state: { ...state, events: events + 1, index } } }
    }
    const onProgress = ({ step }: { readonly step: string }) => {
      if (step === 'topic') edit(erased)
    }
    expect(kindsOf(await audit({ onProgress }))).toEqual({ changedMeanwhile: 1, erased: 1 })
    expect(kindsOf(await audit())).toEqual({ notErased: 1, erased: 1 })
  })

  test('does not count a client as different that the replica publishes meanwhile', async () => {
    const { poll, audit, polaris, clock } = auditedStream()
    await poll()
    const reads = once(polaris.source('audit'), () => {
      polaris.change('c1')
      polaris.change('c11')
    })
    let polled: Promise<void> | undefined
    const onProgress = ({ step }: { readonly step: string }) => {
      if (step === 'waiting') polled ??= poll()
    }
    const startedAt = clock.now()
    const result = await audit({ reads, onProgress })
    await polled
    expect(kindsOf(result)).toEqual({ changedMeanwhile: 2 })
    expect(clock.now() - startedAt).toBeLessThan(30_000)
  })

  test('gives up waiting for a replica that publishes nothing', async () => {
    const { poll, audit, polaris, clock } = auditedStream()
    await poll()
    polaris.change('c1')
    const startedAt = clock.now()
    const result = await audit()
    expect(result).toMatchObject({ differences: { outdated: 1 }, isCaughtUp: false })
    expect(clock.now() - startedAt).toBeGreaterThanOrEqual(75_000)
    expect(clock.now() - startedAt).toBeLessThan(90_000)
  })

  test('waits no longer once a later live scan has not published what differs', async () => {
    const { poll, audit, edit, clock } = auditedStream()
    await poll()
    edit((document) => {
      const { committed } = document
      const { delta, ...index } = committed.state.index
      // Without the entry of one client.
      return {
        ...document,
        committed: { ...committed, state: { ...committed.state, index: { ...index, delta: delta.slice(32) } } },
      }
    })
    let polled: Promise<void> | undefined
    const onProgress = ({ step }: { readonly step: string }) => {
      if (step === 'waiting') clock.pass(5_000)
      if (step === 'waiting') polled ??= poll()
    }
    const result = await audit({ onProgress })
    await polled
    expect(kindsOf(result)).toEqual({ notPublished: 1, notInIndex: 1 })
    expect(result.isCaughtUp).toBe(true)
  })

  test('names the clients of each kind if asked', async () => {
    const { poll, audit, polaris } = auditedStream()
    await poll()
    polaris.change('c11')
    const { ids } = await audit({ wanted: 'ids', isPaused: true })
    expect(ids?.get('notPublished')).toEqual(['c11'])
    expect(ids?.get('gone')).toEqual([])
  })

  test('knows a client without an id as a dead letter', async () => {
    const withoutId = (source: ClientSource): ClientSource => ({
      read: async (...args) => {
        const page = await source.read(...args)
        return args[0].checkPoint === null ? { ...page, clients: [...page.clients, { Contenu: 'x' }] } : page
      },
    })
    const { poll, audit } = auditedStream(withoutId)
    await poll()
    const result = await audit()
    expect(kindsOf(result)).toEqual({ deadLetters: 1 })
    expect(result.clients).toEqual({ source: 11, index: 11, topic: 10 })
  })
})

describe('an audit after a change of the settings', () => {
  const [key, otherKey] = [
    fieldHash('a key of thirty-two characters..'),
    fieldHash('another key, as long as the first'),
  ]
  const rules = (fields: Record<string, FieldAction>, hmac = key) => ({
    ...wholeClients,
    fields: fieldRules('keep', Object.entries(fields)),
    hmac,
  })

  test.each([
    ['events contain a hash', rules({ contenu: 'hmac' }), rules({ contenu: 'hmac' }), {}],
    ['events contain a hash by now', wholeClients, rules({ contenu: 'hmac' }), {}],
    ['events contained a hash before', rules({ contenu: 'hmac' }), wholeClients, { notComparable: 10 }],
    ['a field is dropped by now', wholeClients, rules({ contenu: 'drop' }), {}],
    ['a field was dropped before', rules({ contenu: 'drop' }), wholeClients, {}],
    ['a field is ignored by now', wholeClients, { ...wholeClients, ignored: new Set(['contenu']) }, {}],
    ['a field was ignored before', { ...wholeClients, ignored: new Set(['contenu']) }, wholeClients, {}],
    ['the key is another one', rules({ contenu: 'hmac' }), rules({ contenu: 'hmac' }, otherKey), { notComparable: 10 }],
  ])('compares contents by the rules under which they were published: %s', async (_, before, after, kinds) => {
    const { use, poll, audit } = auditedStream()
    use(before)
    await poll()
    use(after)
    expect(kindsOf(await audit())).toEqual(kinds)
  })

  test('finds what has changed since by the rules under which it was published', async () => {
    const { use, poll, audit, polaris } = auditedStream()
    use(rules({ autre: 'drop' }))
    await poll()
    use(rules({ contenu: 'hmac' }))
    polaris.change('c1')
    expect(kindsOf(await audit({ isPaused: true }))).toEqual({ outdated: 1 })
  })
})

describe('an audit beside a server of which it is not known whether it keeps scans apart', () => {
  /** Each scan loses the token of the other one. */
  const mixing = (source: ClientSource): ClientSource => {
    let last: string | undefined
    return {
      read: async (at, stop, patience) => {
        const page = await source.read(at, stop, patience)
        const isMixed = at.checkPoint !== null && last !== at.lastChanged
        last = at.lastChanged
        return isMixed ? { ...page, clients: [{ No: 'other', Contenu: 'mixed up' }] } : page
      },
    }
  }
  /** A response takes time, so that live scans are due between two pages. */
  const slow = ({ clock }: ReturnType<typeof auditedStream>, source: ClientSource): ClientSource => ({
    read: (...args) => {
      clock.jump(100)
      return source.read(...args)
    },
  })
  const unknown = async (on: ReturnType<typeof auditedStream>) => {
    await on.poll()
    on.edit((document) => {
      const { committed } = document
      const scans = { ...committed.state.scans, interleaving: 'unknown' as const }
      return { ...document, committed: { ...committed, state: { ...committed.state, scans } } }
    })
  }

  test('finds out that it does', async () => {
    const on = auditedStream()
    await unknown(on)
    const asked: (string | null)[] = []
    const source = slow(on, on.polaris.source('audit'))
    const reads: ClientSource = {
      read: (at, ...args) => {
        if (at.lastChanged === beginAt) asked.push(at.checkPoint)
        return source.read(at, ...args)
      },
    }
    expect(kindsOf(await on.audit({ reads }))).toEqual({})
    // The second page is asked for before and after a live scan, and then in the scan that counts.
    const [first] = asked.filter((token) => token !== null)
    expect(asked.filter((token) => token === first)).toHaveLength(3)
  })

  test('does not ask twice when the stream is paused', async () => {
    const on = auditedStream()
    await unknown(on)
    const reads = mixing(slow(on, on.polaris.source('audit')))
    expect(kindsOf(await on.audit({ reads, isPaused: true }))).toEqual({})
  })

  test('refuses when it finds out that it does not', async () => {
    const on = auditedStream()
    await unknown(on)
    const refused = on.audit({ reads: mixing(slow(on, on.polaris.source('audit'))) })
    await expect(refused).rejects.toMatchObject({ code: 'command.invalid' })
    await expect(refused).rejects.toThrow('pause the stream first')
  })
})
