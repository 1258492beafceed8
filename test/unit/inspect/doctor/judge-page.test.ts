import { expect, test } from 'vitest'
import { judgeOrder } from '../../../../connector/inspect/doctor/judge-page.ts'
import { noon, settings } from '../../scan/scans.ts'

const mapping = { clientId: 'No', modifiedAt: 'Modif' }
const judged = (times: readonly string[], modifiedAt: string | null = 'Modif') =>
  judgeOrder(
    times.map((Modif, index) => ({ No: `${index}`, Modif })),
    { ...settings, mapping: { ...mapping, modifiedAt }, startedAt: noon },
  )

test('clients that are sorted by the modification time are fine', () => {
  expect(judged(['2026-03-01T08:00:00', '2026-03-01T08:00:00', '2026-03-02'])).toMatchObject({
    ...{ verdict: 'ok', detail: '3 clients are sorted by Modif' },
  })
})

test('clients that are not are a warning: pages out of order', () => {
  expect(judged(['2026-03-02T08:00:00', '2026-03-01T08:00:00'])).toMatchObject({
    ...{ verdict: 'warning', detail: 'pages out of order: clients are not sorted by Modif' },
  })
})

test('a client that changes while pages are read is not out of order', () => {
  expect(judged(['2026-03-01T08:00:00', '2026-06-15T12:00:05', '2026-03-02T08:00:00']).verdict).toBe('ok')
})

test('without a modification time there is nothing to check', () => {
  expect(judged(['2026-03-02'], null).verdict).toBe('skipped')
})
