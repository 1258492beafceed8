import { describe, expect, test } from 'vitest'
import { printedIds } from '../../../connector/commands/audit.ts'
import { namedClients, onlyStream } from '../../../connector/commands/command-resources.ts'
import { typed } from '../../support/typed-command.ts'
import { leastFile } from '../config/config-sources.ts'

const stream = (name: string) => `{ name: ${name}, sharedKeys: true, polaris: { url: https://p, codeMagasin: 1 } }`
const yaml = `${leastFile}streams: [${stream('paris')}, ${stream('lyon')}]`

test('asks for a stream when there are several', async () => {
  expect(() => onlyStream([{ name: 'paris' }, { name: 'lyon' }])).toThrow('name one of the streams: paris, lyon')
  expect((await typed({ command: 'pause', yaml })).output).toContain('name one of the streams: paris, lyon')
})

test('says how many ids of an audit are not printed', () => {
  const lines: string[] = []
  const printed = (count: number) => printedIds(Array<string>(count).fill('42'), (line) => lines.push(line)).length
  expect([printed(1000), lines]).toEqual([1000, []])
  expect([printed(1001), lines]).toEqual([1000, ['only the first 1000 of 1001 ids are printed']])
})

describe('clients', () => {
  const named = (client: readonly string[], input = '') => namedClients({ client }, { readInput: async () => input })

  test('are named verbatim on the command line and, one a line, on standard input; each counts once', async () => {
    expect(await named(['42', '-', '42'], '007\r\n\n42\n')).toEqual(['42', '007'])
    expect(await named([' 1 ', 'a\u00a0', '-'], ' 2\t\r\n \n007\n7\nA')).toEqual([
      ' 1 ',
      'a\u00a0',
      ' 2\t',
      ' ',
      '007',
      '7',
      'A',
    ])
    expect(await namedClients({}, { readInput: async () => '42' })).toEqual([])
  })

  test.each([
    ['no id on standard input', ['-'], /found no client id on standard input/],
    ['too many', Array.from({ length: 1001 }, (_, at) => `${at}`), /at most 1000 clients, not 1001/],
  ])('are refused: %s', async (_what, client, problem) => {
    await expect(named(client)).rejects.toMatchObject({
      code: 'command.invalid',
      message: expect.stringMatching(problem),
    })
  })
})
