// Formats: bytes of other people's formats to values, and values to bytes.
//
// In: mail, feeds, JSON, CSV, HTML, Markdown, dates, as bytes or text. Out: plain values, or an error that says what is wrong.
// Never: a file, a socket, a clock. No parser here trusts its input: each has named limits, and none fetches what a document points to.
