@testable import Transport

/// What an SMTP server may answer, in pieces of every size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: data, count: size))
    let whole = replies(bytes, cut: max(1, size))
    let cut = replies(bytes, cut: 1 + Int(bytes.first ?? 0) % 7)
    precondition(whole == cut, "cutting the input changed the replies")
    return 0
}

private func replies(_ bytes: [UInt8], cut: Int) -> [String] {
    var parser = SMTPReplyParser()
    var found: [String] = []
    var position = 0
    do {
        while position < bytes.count {
            let end = min(bytes.count, position + cut)
            parser.feed(Array(bytes[position..<end]))
            position = end
            while let reply = try parser.next() { found.append("\(reply)") }
        }
    } catch { found.append("\(error)") }
    return found
}
