// Journeys: the next message of a relationship, at its time.
//
// In: journey folders (YAML and Markdown), events, the clock. Out: enrolments, and rows of the send ledger with a key that exists once.
// Never: a mail sent from here, a step taken twice, a journey for automatic mail or for somebody who said no.
