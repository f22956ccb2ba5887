/// Cuts what a POP3 server sends into status lines and multi-line answers (RFC 1939 §3). Fed in pieces of any size; pure.
struct POP3Reader {
    static let lineBytesMax = 8 << 10

    private var input: [UInt8] = []
    private var position = 0
    /// Within a multi-line answer: whether the next byte begins a line.
    private var isAtLineStart = true

    var isEmpty: Bool { position == input.count }

    mutating func feed(_ bytes: [UInt8]) {
        if position == input.count {
            input = bytes
        } else {
            input.removeFirst(position)
            input += bytes
        }
        position = 0
    }

    /// One line without its end, or nil when more bytes are needed.
    mutating func line() throws(POP3SyntaxError) -> String? {
        guard let end = input[position...].firstIndex(of: 0x0A) else {
            guard input.count - position <= Self.lineBytesMax else { throw POP3SyntaxError(reason: "a status line without an end") }
            return nil
        }
        var line = input[position..<end]
        if line.last == 0x0D { line.removeLast() }
        position = end + 1
        return String(decoding: line, as: UTF8.self)
    }

    /// Call before the first `piece` of a multi-line answer.
    mutating func beginBody() { isAtLineStart = true }

    /// What there is of a multi-line answer, its doubled dots made single; `isEnd` when the line with the dot alone has come.
    mutating func piece() -> (bytes: [UInt8], isEnd: Bool) {
        var out: [UInt8] = []
        out.reserveCapacity(input.count - position)
        while position < input.count {
            if isAtLineStart, input[position] == 0x2E {
                guard let isEnd = endsHere() else { break }  // the line's next bytes decide
                if isEnd { return (out, true) }
                position += 1
            }
            isAtLineStart = false
            guard let end = input[position...].firstIndex(of: 0x0A) else {
                out += input[position...]
                position = input.count
                break
            }
            out += input[position...end]
            position = end + 1
            isAtLineStart = true
        }
        return (out, false)
    }

    /// At a dot that begins a line: whether the line is the dot alone; nil when that is not yet known. Moves past the end line.
    private mutating func endsHere() -> Bool? {
        guard position + 1 < input.count else { return nil }
        if input[position + 1] == 0x0A {
            position += 2
            return true
        }
        guard input[position + 1] == 0x0D else { return false }
        guard position + 2 < input.count else { return nil }
        guard input[position + 2] == 0x0A else { return false }
        position += 3
        return true
    }
}

struct POP3SyntaxError: Error, Equatable {
    let reason: String
}
