import { expect, test } from 'vitest'
import { mapPage } from '../../../../../../connector/event/page-mapping.ts'
import { codeOf } from '../../../../../../connector/runtime/connector-error.ts'
import { decodeAnswer } from '../../../../../../connector/source/polaris/decode/decode-answer.ts'
import { decodePage } from '../../../../../../connector/source/polaris/decode/page/decode-page.ts'
import { type AnswerForm, answerForms } from '../../../../../fixtures/answers/answer-forms.ts'

// What common serializers write, and what becomes of it: each answer is read whole, or refused.

const knownPath = ({ kept, configured }: AnswerForm) => {
  const path = (configured ?? kept)?.split('.')
  return path && { path, isConfigured: configured !== undefined }
}

function outcomeOf(form: AnswerForm) {
  try {
    const page = decodePage(decodeAnswer(form.body), { timeZone: 'UTC', known: knownPath(form) })
    mapPage(page, { clientId: null, modifiedAt: null, clients: null, lists: [] }, null)
    return page.clients.map(({ No }) => No)
  } catch (error) {
    return codeOf(error)
  }
}

test.each(answerForms)('reads or refuses $name', (form) => {
  expect(outcomeOf(form)).toEqual(form.outcome)
})

test('tells more than thirty answers apart, with unique names', () => {
  expect(new Set(answerForms.map(({ name }) => name)).size).toBe(answerForms.length)
  expect(answerForms.length).toBeGreaterThan(30)
})
