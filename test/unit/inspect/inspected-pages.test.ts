import { expect, test } from 'vitest'
import { unmapped } from '../../../connector/event/page-mapping.ts'
import { inspectedPages, onceThrough } from '../../../connector/inspect/inspected-pages.ts'
import { newScans } from '../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { never } from '../../support/signals.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { stage } from '../stream/open/open-parts.ts'

/** The ids on the pages, and what was asked for. */
async function inspected(answers: readonly Answer[], maxPages?: number) {
  const { reader } = stage().pipeline
  const source = scriptedSource(answers)
  const parts = {
    ...reader,
    source,
    settings: onceThrough(reader.settings),
    beginAt: '2020-02-02T00:00:00' as SourceTime,
  }
  const ids: unknown[] = []
  const mapping = { ...unmapped, lists: [] }
  const from = { states: newScans, mapping, ...(maxPages === undefined ? {} : { maxPages }) }
  for await (const { clients, scan } of inspectedPages(parts, from, never))
    ids.push(...clients.map(({ id }) => `${scan.lane} ${id}`))
  return { ids, asked: source.asked }
}

test('reads the history with its tokens and then one live scan, as run does', async () => {
  const { ids, asked } = await inspected([...scanOf(2), ...scanOf(1, 3)])
  expect(ids).toEqual(['history 1', 'history 2', 'live 3'])
  expect(asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1', null])
})

test('reads no more pages than wanted', async () => {
  const { ids, asked } = await inspected(scanOf(5), 2)
  expect([ids, asked.length]).toEqual([['history 1', 'history 2'], 2])
})
