import type { AnswerForm, AnswerPage, FormOptions, Output } from './answer-form.ts'
import { jsonForm } from './json-form.ts'
import { xmlForm } from './xml-form.ts'

export function answerForms(options: FormOptions): Record<Output, AnswerForm> {
  return { xml: xmlForm(options), json: jsonForm(options) }
}

export function renderPage(form: AnswerForm, page: AnswerPage): Buffer {
  const [head, tail] = form.frame(page)
  const between = Buffer.from(form.separator)
  const separated =
    between.length === 0 ? page.parts : page.parts.flatMap((part, at) => (at === 0 ? part : [between, part]))
  return Buffer.concat([Buffer.from(head), ...separated, Buffer.from(tail)])
}
