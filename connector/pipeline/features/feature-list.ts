import { erase } from './erase/erase.ts'
import type { ErasureMarks } from './erase/erasure-marks.ts'
import type { Feature } from './part.ts'
import { removal } from './removal/removal.ts'
import type { RemovedSettings } from './removal/removed-clients.ts'
import { republish } from './republish/republish.ts'

export interface FeatureParts {
  readonly erasures: ErasureMarks
  /** Undefined: clients that are gone are not looked for. */
  readonly removed: RemovedSettings | undefined
}

/** What the pipeline does besides copying pages. A new feature is a folder and a line here. */
export const featureList = ({ erasures, removed }: FeatureParts): readonly Feature[] => [
  republish,
  erase(erasures),
  ...(removed === undefined ? [] : [removal(removed)]),
]
