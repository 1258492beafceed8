import { expect, test } from 'vitest'
import { inspectedPages } from '../../../connector/inspect/inspected-pages.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { never } from '../../support/signals.ts'
import { scanOf, scriptedSource } from '../pipeline/scripted-source.ts'
import { stage } from '../stream/open/open-parts.ts'

test('reads the history with its tokens, as run does, and no live scan', async () => {
  const source = scriptedSource([...scanOf(2), ...scanOf(1, 3)])
  const parts = { ...stage().pipeline.reader, source, beginAt: '2020-02-02T00:00:00' as SourceTime }
  const ids: unknown[] = []
  for await (const { clients } of inspectedPages(parts, never)) ids.push(...clients.map(({ id }) => id))
  expect(ids).toEqual(['1', '2'])
  expect(source.asked.map(({ checkPoint }) => checkPoint)).toEqual([null, 't1'])
})
