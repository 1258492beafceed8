import type { ControlDocument } from '../../control/control-document.ts'
import type { ErrorCode } from '../../runtime/error-catalogue.ts'
import { errorCatalogue } from '../../runtime/error-catalogue.ts'

/** Why a stream needs attention, as its replica has reported in the control object. */
export type ReportedTrouble = NonNullable<ControlDocument['streams'][string]['trouble']>

interface Reports {
  readonly document: Pick<ControlDocument, 'streams'>
  /** The replica that has the stream; null: none has. Undefined: there is no group to ask. */
  readonly owner: string | null | undefined
}

/** Undefined: nothing is reported, or only by a replica that does not have the stream any more. Pure. */
export function troubleReported(stream: string, { document, owner }: Reports): ReportedTrouble | undefined {
  const { trouble } = document.streams[stream] ?? {}
  return owner === undefined || trouble?.by === owner ? trouble : undefined
}

/** What an operator does about a reported code; undefined for one that only another version knows. */
export function hintOf(code: string): string | undefined {
  return code in errorCatalogue ? errorCatalogue[code as ErrorCode].runHint : undefined
}
