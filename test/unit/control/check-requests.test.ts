import { expect, test } from 'vitest'
import { checkRequests } from '../../../connector/control/check-requests.ts'
import { type ControlDocument, noRequests } from '../../../connector/control/control-document.ts'
import { recorded, requested } from '../../../connector/control/requests.ts'

test('answers a request again when the control object is rolled back to before its answer', async () => {
  const asked = requested(noRequests, { kind: 'check', stream: 'paris' }, { id: '1', by: 'operator', at: 1 })
  const answered = asked && recorded(asked, new Map([['1', { at: 2 }]]), 'replica-1')
  const ids: string[] = []
  let current: ControlDocument | undefined = asked
  const watch = {
    current: () => current,
    until: async () => false,
    carriedOut: ({ id }: { id: string }) => void ids.push(id),
  }
  const checks = checkRequests(watch, 'paris', { sleep: async () => {} })
  const check = (document: ControlDocument | undefined) => {
    current = document
    checks.begin()()
  }
  for (const document of [asked, asked, answered, asked]) check(document)
  expect(ids).toEqual(['1', '1'])
})
