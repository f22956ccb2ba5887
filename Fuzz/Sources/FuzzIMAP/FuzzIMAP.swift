@testable import Transport

/// What an IMAP server may say, in pieces of every size: the same bytes must give the same answers however they are cut.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: data, count: size))
    let whole = answers(bytes, cut: max(1, size))
    let cut = answers(bytes, cut: 1 + Int(bytes.first ?? 0) % 7)
    precondition(whole == cut, "cutting the input changed the answers")
    return 0
}

private func answers(_ bytes: [UInt8], cut: Int) -> [String] {
    var framer = IMAPFramer()
    var found: [String] = []
    var position = 0
    do {
        while position < bytes.count {
            let end = min(bytes.count, position + cut)
            framer.feed(Array(bytes[position..<end]))
            position = end
            while let parts = try framer.next() {
                do { found.append("\(try IMAPResponse(parts))") } catch { found.append("\(error)") }
            }
        }
    } catch { found.append("\(error)") }
    return found
}
