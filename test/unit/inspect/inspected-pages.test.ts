import { expect, test } from 'vitest'
import { inspectedPages } from '../../../connector/inspect/inspected-pages.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { never } from '../../support/signals.ts'
import { pageOf } from '../pipeline/readings.ts'
import { type Answer, scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { stage } from '../stream/open/open-parts.ts'

/** The ids on the pages, and what was asked for. */
async function inspected(answers: readonly Answer[]) {
  const { reader } = stage().pipeline
  const source = scriptedSource(answers)
  const parts = { ...reader, source, beginAt: '2020-02-02T00:00:00' as SourceTime }
  const ids: unknown[] = []
  for await (const { clients } of inspectedPages(parts, never)) ids.push(...clients.map(({ id }) => id))
  return { ids, asked: source.asked }
}

test('reads the history with its tokens, as run does, and no live scan', async () => {
  const { ids, asked } = await inspected([...scanOf(2), ...scanOf(1, 3)])
  expect(ids).toEqual(['1', '2'])
  expect(asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1'])
})

test('rejects a page whose clients have no id, as run does', async () => {
  await expect(inspected([pageOf([{ Nom: 'Zyx' }, { Nom: 'Zyx' }])])).rejects.toMatchObject({ code: 'source.mapping' })
})
