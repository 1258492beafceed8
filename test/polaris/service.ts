import { createHash } from 'node:crypto'
import { type Answer, textAnswer } from './answer/answer.ts'
import { answerForms, renderPage } from './answer/answer-forms.ts'
import { type AnswerShapeName, answerShapes } from './answer/answer-shapes.ts'
import { type ClientStore, fromTime, type Place } from './clients/client-store.ts'
import { type Call, readArguments } from './request.ts'

/** Implements `Client.GetClientsModified`. With a shape, pages have it. */
export function readClients(store: ClientStore, call: Call, shape?: AnswerShapeName): Answer {
  const read = readArguments(call.parameters)
  if ('refused' in read) return textAnswer(400, read.refused)
  const { checkPoint, others } = read
  const token = checkPoint === undefined ? undefined : readToken(checkPoint, others)
  if (checkPoint !== undefined && token === undefined) return textAnswer(400, 'checkPoint inconnu ou expiré')
  const { parts, last, more } = store.select(token ?? fromTime(read.lastChanged), read.limit, read.output)
  const form = answerForms[read.output]
  const page = { hasMoreResults: more, checkPoint: writeToken(last, others) }
  const body =
    shape === undefined
      ? renderPage(form, { parts, ...page })
      : Buffer.from(answerShapes[shape][read.output]({ clients: parts.map(String), ...page }))
  return { status: 200, headers: { 'content-type': form.contentType }, body }
}

/**
 * A `checkPoint`, which is opaque to callers: the last client returned, and the arguments for which the token is valid.
 * Contains `+`, `/` and `=`, which the caller must percent-encode to send the token back.
 */
function writeToken({ modified, index }: Place, others: string): string {
  const digest = createHash('sha256').update(others).digest('base64')
  return `CP/${digest}+${modified}|${index}`
}

/** Undefined if the token is not valid for the other arguments. */
function readToken(text: string, others: string): Place | undefined {
  const [modified = '', index] = text.split('+').at(-1)?.split('|') ?? []
  const place = { modified, index: Number(index) }
  return writeToken(place, others) === text ? place : undefined
}
