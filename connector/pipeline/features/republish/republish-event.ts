/** What the republishes of a stream report. */
export type RepublishEvent =
  /** A scan begins to publish clients again, on request of an operator. `clients`: how many it names; undefined: all. */
  | {
      readonly kind: 'republish-started'
      /** Id of the request. */
      readonly request: string
      readonly requestedBy: string
      readonly lastChanged: string
      readonly clients: number | undefined
    }
  /** `changed`: clients that had changed, found by its scan first. `missing`: named clients that Polaris has not returned. */
  | {
      readonly kind: 'republish-ended'
      readonly request: string
      readonly outcome: 'complete' | 'cancelled'
      readonly published: number
      readonly changed: number
      readonly missing: number
    }
