import * as z from 'zod'

/** What `replicas --json` prints. */
export const replicasShape = z.strictObject({
  connector: z.string().describe('Name of the connector'),
  group: z
    .strictObject({
      state: z.string().describe("Kafka's state of the group, such as `Stable`, `PreparingRebalance`, `Empty`, `Dead`"),
      slots: z.int().describe('Number of slots; 0: their topic does not exist'),
      members: z
        .array(
          z.strictObject({
            replica: z.string().describe('Name of the replica'),
            host: z.string().describe('Its address, as the broker sees it'),
            slots: z.array(z.int()).readonly().describe('Its slots'),
            streams: z.array(z.string()).readonly().describe('The streams of its slots'),
          }),
        )
        .readonly()
        .describe('The replicas'),
    })
    .nullable()
    .describe('The consumer group; null: `PLACEMENT=single`'),
  streams: z
    .array(
      z.strictObject({
        stream: z.string().describe('Name of the stream'),
        assignedTo: z.string().nullable().describe('The replica that has its slot; null: none, or there is no group'),
        claim: z
          .strictObject({
            owner: z.string().describe('The process that opened the stream last'),
            epoch: z.int().describe('Its epoch'),
            since: z.iso.datetime().describe('When it did'),
          })
          .nullable()
          .describe('null: the stream has no checkpoint that can be read'),
        remark: z.string().optional().describe('Why the stream does not run as assigned'),
      }),
    )
    .readonly()
    .describe('In the order of the configuration'),
  controlUnreadable: z.string().optional().describe('Error code: it is unknown which streams are paused'),
})
