// Domain: the nouns of customer service as plain values, and the decisions about them that need no outside world.
//
// In: values. Out: values. Never: a file, a socket, a clock, a random number. Every other target reads this one; it reads none.
