import { expect, test } from 'vitest'
import { judgeAnswer } from '../../../../../connector/source/polaris/answer/answer-verdict.ts'
import { httpAnswer } from '../../../../support/http-answer.ts'

function layoutOf(answer: object, configured?: string) {
  const known = configured === undefined ? undefined : { path: configured.split('.'), isConfigured: true }
  const settings = { timeZone: 'UTC', output: 'json', auth: 'none', known } as const
  const judged = judgeAnswer(httpAnswer(200, JSON.stringify(answer), 'application/json'), settings)
  return judged.kind === 'page' ? judged.page.layout : expect.fail(judged.error.message)
}

test('a page tells where its parts are, and why other objects and lists are disregarded', () => {
  const answer = {
    paging: { hasMoreResults: false, checkPoint: 't' },
    data: { clients: [{ No: '1' }], shop: { Code: '7', Tel: { No: '1' } } },
    promotions: [{ Code: 'P' }],
    Errors: { Code: '0' },
    tags: ['a'],
    total: '1',
  }
  expect(layoutOf(answer, 'Clients')).toEqual({
    flag: ['paging', 'hasMoreResults'],
    token: ['paging', 'checkPoint'],
    clients: ['data', 'clients'],
    disregarded: [
      { path: ['data', 'shop'], why: 'an object without a list of objects' },
      { path: ['promotions'], why: 'a list beside the configured one' },
      { path: ['Errors'], why: 'reports no error' },
      { path: ['tags'], why: 'a list without objects' },
    ],
  })
})

test('a page without clients and token has no path of them', () => {
  const flag = ['hasMoreResults']
  expect(layoutOf({ hasMoreResults: false })).toEqual({ flag, token: undefined, clients: undefined, disregarded: [] })
  expect(layoutOf({ hasMoreResults: false, clients: [] })?.clients).toEqual(['clients'])
})
