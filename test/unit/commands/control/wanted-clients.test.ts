import { describe, expect, test } from 'vitest'
import type { CommandArgs } from '../../../../connector/commands/command.ts'
import { wantedRepublish } from '../../../../connector/commands/control/wanted-clients.ts'
import { clientKey, keyAsText } from '../../../../connector/index/index-entry.ts'
import { beginAt, noon } from '../../scan/scans.ts'

const keyOf = (id: string) => keyAsText(clientKey(id))

async function wanted(args: CommandArgs, input = '') {
  const printed: string[] = []
  const times = { beginAt, timeZone: 'Europe/Paris', now: noon }
  const parts = { print: (line: string) => void printed.push(line), readInput: async () => input }
  const { from, wanted, idsByKey } = await wantedRepublish(args, times, parts)
  return { from, wanted, ids: [...idsByKey.values()], printed }
}

describe('what to publish again', () => {
  test('all clients modified since a time, at 100 events a second unless the rate is given', async () => {
    expect(await wanted({ from: '2026-03-01' })).toEqual({
      from: '2026-03-01T00:00:00',
      wanted: { kind: 'all', maxPerSecond: 100 },
      ...{ ids: [], printed: [] },
    })
    expect((await wanted({ from: '2026-03-01T08:00:00Z', rate: '7' })).wanted).toEqual({ kind: 'all', maxPerSecond: 7 })
    expect((await wanted({ from: '2026-03-01T08:00:00Z' })).from).toBe('2026-03-01T09:00:00')
  })

  test('everything from the beginning of the stream, with a note if the time is before it', async () => {
    expect(await wanted({ from: 'beginning' })).toMatchObject({ from: null, printed: [] })
    const early = await wanted({ from: '1999-01-01' })
    expect([early.from, early.printed]).toEqual([null, [expect.stringContaining(`begins at ${beginAt}`)]])
  })

  test('named clients by their keys, from the command line and from standard input', async () => {
    const given = await wanted({ client: ['42', '-', '42'] }, '007\r\n\n42\n')
    expect(given.ids).toEqual(['42', '007'])
    expect(given).toMatchObject({ from: null, wanted: { kind: 'clients', keys: [keyOf('42'), keyOf('007')] } })
    expect(JSON.stringify(given.wanted)).not.toContain('007')
    expect((await wanted({ client: ['42'], from: '2026-03-01' })).from).toBe('2026-03-01T00:00:00')
  })

  test.each<[string, CommandArgs, RegExp]>([
    ['nothing', {}, /--from or --client must say/],
    ['a time in the future', { from: '2026-06-16' }, /--from is in the future: it is 2026-06-15T12:00:00/],
    ['a time that is none', { from: 'yesterday' }, /--from must be a date/],
    ['a rate of zero', { from: '2026-03-01', rate: '0' }, /--rate must be a number of events a second from 1/],
    ['a rate that is none', { from: '2026-03-01', rate: '1e3' }, /--rate must be/],
    ['a rate for named clients', { client: ['42'], rate: '5' }, /--rate must be used without --client/],
  ])('not %s', async (_what, args, problem) => {
    await expect(wanted(args)).rejects.toMatchObject({
      code: 'command.invalid',
      message: expect.stringMatching(problem),
    })
  })
})
