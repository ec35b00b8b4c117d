/** An API of nobody's that uses what real ones use, for tests. */
export const parcelDocument = `openapi: 3.0.3
info:
  title: Parcel Tracking
  version: 1.2.0
  description: |
    # Overview
    Follows a \`parcel\` on its way, see [the guide](https://example.com/guide).

    # More
    Nothing.
servers:
  - url: '{apiRoot}/parcel-tracking/v1'
    variables:
      apiRoot:
        default: http://localhost:9091
x-camara-commonalities: 0.6
security:
  - openId: [parcel-tracking:read]
paths:
  /parcels/{parcelId}:
    parameters:
      - $ref: '#/components/parameters/ParcelId'
      - name: lang
        in: query
        schema: { type: string, default: en }
    get:
      operationId: readParcel
      summary: One parcel
      parameters:
        - $ref: '#/components/parameters/x-correlator'
        - name: fields
          in: query
          explode: false
          schema: { type: array, items: { type: string } }
      responses:
        '200':
          description: The parcel
          headers:
            x-correlator: { $ref: '#/components/headers/x-correlator' }
            ETag: { required: true, schema: { type: string, pattern: '^"[a-f0-9]{8}"$' } }
          content:
            application/json:
              schema: { $ref: '#/components/schemas/Parcel' }
              examples:
                broken: { value: { id: 5 } }
                letter: { $ref: '#/components/examples/Letter' }
        '404': { $ref: '#/components/responses/Generic404' }
        default: { $ref: '#/components/responses/Generic500' }
    delete:
      operationId: forgetParcel
      security:
        - openId: [parcel-tracking:write, parcel-tracking:delete]
        - openId: [parcel-tracking]
        - backend: []
      responses:
        '204': { description: Forgotten }
        '404': { $ref: '#/components/responses/Generic404' }
  /parcels:
    post:
      operationId: announceParcel
      security: [{ openId: ['parcel-tracking:write'] }]
      requestBody:
        required: true
        content:
          Application/JSON; charset=utf-8:
            schema: { $ref: '#/components/schemas/NewParcel' }
      callbacks:
        moved:
          '{$request.body#/sink}':
            post:
              requestBody:
                content: { application/cloudevents+json: { schema: { type: object } } }
              responses: { '204': { description: Thanks } }
      responses:
        '201':
          description: Announced
          content: { application/json: { schema: { $ref: '#/components/schemas/NewParcel' } } }
        '4XX': { $ref: '#/components/responses/Generic404' }
components:
  securitySchemes:
    openId: { type: openIdConnect, openIdConnectUrl: 'https://example.com/openid' }
    backend: { type: http, scheme: bearer }
  parameters:
    ParcelId: { name: parcelId, in: path, required: true, schema: { type: string, format: uuid } }
    x-correlator: { name: x-correlator, in: header, schema: { $ref: '#/components/schemas/XCorrelator' } }
  headers:
    x-correlator: { schema: { $ref: '#/components/schemas/XCorrelator' } }
  examples:
    Letter:
      value: { kind: LETTER, id: 123e4567-e89b-42d3-a456-426614174000, sender: null, pages: 2 }
  responses:
    Generic404:
      description: Not found
      content:
        application/json:
          schema:
            allOf:
              - $ref: '#/components/schemas/ErrorInfo'
              - { type: object, properties: { status: { enum: [404] }, code: { enum: [NOT_FOUND] } } }
          examples:
            NOT_FOUND: { value: { status: 404, code: NOT_FOUND, message: No such parcel. } }
    Generic500:
      description: Failed
      content: { application/json: { schema: { $ref: '#/components/schemas/ErrorInfo' } } }
  schemas:
    XCorrelator: { type: string, pattern: '^[a-zA-Z0-9-_:;.\\/<>{}]{0,256}$' }
    ErrorInfo:
      type: object
      required: [status, code, message]
      properties:
        status: { type: integer }
        code: { type: string }
        message: { type: string }
    Parcel:
      type: object
      required: [kind, id]
      properties:
        kind: { type: string, enum: [LETTER, BOX] }
        id: { type: string, format: uuid }
        sender: { type: string, nullable: true, pattern: '^\\+[1-9][0-9]{4,14}$' }
        inside: { type: array, items: { $ref: '#/components/schemas/Parcel' } }
      discriminator:
        propertyName: kind
        mapping: { LETTER: '#/components/schemas/Letter', BOX: Box }
    Letter:
      allOf:
        - $ref: '#/components/schemas/Parcel'
        - { type: object, required: [pages], properties: { pages: { type: integer, minimum: 0, exclusiveMinimum: true } } }
    Box:
      allOf:
        - $ref: '#/components/schemas/Parcel'
        - { type: object, required: [weight], properties: { weight: { type: number, maximum: 50, multipleOf: 0.5 } } }
    NewParcel:
      type: object
      required: [id, secret, size, phone, code]
      properties:
        id: { type: string, readOnly: true, example: p-1 }
        secret: { type: string, writeOnly: true, minLength: 8 }
        phone: { type: string, pattern: '^\\+[1-9][0-9]{4,14}$' }
        code: { type: string, pattern: '^[A-Z]{2}-\\d{3}(?:-x+)?$' }
        sink: { type: string, format: uri, pattern: '^https:\\/\\/.+$' }
        address: { type: string, format: ipv4 }
        at: { type: string, format: date-time, maxLength: 64 }
        size:
          oneOf:
            - { type: object, required: [litres], properties: { litres: { type: integer } } }
            - { type: string, enum: [S, M, L] }
`

export const parcelProduct = `domain: Connectivity
owner:
  team: Parcels
  contact: parcels@operator.example
`

/** The same document with one stretch replaced, which must be there. */
export function replaced(text: string, ...changes: readonly (readonly [string, string])[]): string {
  let rest = text
  for (const [from, to] of changes) {
    if (!rest.includes(from)) throw new Error(`the document does not have: ${from}`)
    rest = rest.replace(from, () => to)
  }
  return rest
}
