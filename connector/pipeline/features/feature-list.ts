import type { Feature } from './part.ts'
import { republish } from './republish/republish.ts'

/** What the pipeline does besides copying pages. A new feature is a folder and a line here. */
export const featureList = (): readonly Feature[] => [republish]
