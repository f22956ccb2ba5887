import Testing

@testable import Transport

@Suite struct POP3ReaderTests {
    /// Everything of one answer, fed in pieces of a size.
    static func read(_ text: String, pieceBytes: Int) throws -> (status: String?, body: String, rest: Bool) {
        var reader = POP3Reader()
        let bytes = Array(text.utf8)
        var status: String?
        var body: [UInt8] = []
        var isEnd = false
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            reader.feed(Array(bytes[start..<min(start + pieceBytes, bytes.count)]))
            if status == nil {
                status = try reader.line()
                guard status != nil else { continue }
                reader.beginBody()
            }
            if !isEnd {
                let piece = reader.piece()
                body += piece.bytes
                isEnd = piece.isEnd
            }
        }
        #expect(isEnd)
        return (status, String(decoding: body, as: UTF8.self), !reader.isEmpty)
    }

    @Test("an answer means the same however it is cut into pieces", arguments: [1, 2, 3, 7, 1000])
    func pieces(_ pieceBytes: Int) throws {
        let cases = [
            ("+OK\r\na\r\n..b\r\n...\r\n.\r\n", "a\r\n.b\r\n..\r\n"), ("+OK 2\r\n.\r\n", ""), ("+OK\r\n..\r\n.\r\n", ".\r\n"),
            ("+OK\r\nbare\n..dot\n.\n", "bare\n.dot\n"), ("+OK\r\n.a.\r\nx.\r\n.\r\n", "a.\r\nx.\r\n"),
            ("+OK\r\nno end\r\r\n.\r\r\n.\r\n", "no end\r\r\n\r\r\n"),
        ]
        for (text, body) in cases { #expect(try Self.read(text, pieceBytes: pieceBytes).body == body) }
    }

    @Test func `what follows an answer stays for the next`() throws {
        var reader = POP3Reader()
        reader.feed(Array("+OK\r\na\r\n.\r\n-ERR no\r\n".utf8))
        #expect(try reader.line() == "+OK")
        reader.beginBody()
        let piece = reader.piece()
        #expect(piece.isEnd)
        #expect(String(decoding: piece.bytes, as: UTF8.self) == "a\r\n")
        #expect(try reader.line() == "-ERR no")
        #expect(reader.isEmpty)
    }

    @Test func `a status line without an end is refused`() {
        var reader = POP3Reader()
        reader.feed([UInt8](repeating: 0x61, count: POP3Reader.lineBytesMax + 1))
        #expect(throws: POP3SyntaxError.self) { try reader.line() }
    }
}
