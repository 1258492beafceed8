import type { Fault } from './fault.ts'
import type { Call } from './request.ts'

/** Which calls go wrong, and how. */
export interface FaultPlan {
  /** The next `count` calls of `Client.GetClientsModified` that no rule of `when` takes get this fault. */
  next(count: number, fault: Fault): void
  /** Every call for which `concerns` holds, until the returned function is called. The first rule that holds wins. */
  when(concerns: (call: Call) => boolean, fault: Fault | ((call: Call) => Fault)): () => void
  /** From now on everything goes right. */
  clear(): void
  /** The fault of one call; takes it off the plan. */
  take(call: Call): Fault | undefined
}

export function faultPlan(): FaultPlan {
  const queue: Fault[] = []
  const rules: { concerns: (call: Call) => boolean; fault: Fault | ((call: Call) => Fault) }[] = []
  return {
    next: (count, fault) => {
      for (let one = 0; one < count; one += 1) queue.push(fault)
    },
    when: (concerns, fault) => {
      const rule = { concerns, fault }
      rules.push(rule)
      return () => void (rules.includes(rule) && rules.splice(rules.indexOf(rule), 1))
    },
    clear: () => {
      queue.length = 0
      rules.length = 0
    },
    take: (call) => {
      const fault = rules.find((rule) => rule.concerns(call))?.fault
      if (typeof fault === 'function') return fault(call)
      return fault ?? (call.function === 'Client.GetClientsModified' ? queue.shift() : undefined)
    },
  }
}
