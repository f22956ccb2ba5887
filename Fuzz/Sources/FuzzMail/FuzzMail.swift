import Formats

/// A whole mail: structure, charsets, attachments, the new words, what a page would show.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let bytes = [UInt8](UnsafeBufferPointer(start: data, count: size))
    guard let mail = try? MailParser.parse(bytes) else { return 0 }
    precondition(!mail.text.unicodeScalars.contains("\0"), "a text holds U+0000")
    _ = ReplySplitter.split(text: mail.text)
    if let html = mail.html {
        _ = HTMLText.sanitised(html, remoteImages: false)
        _ = ReplySplitter.split(html: html)
    }
    return 0
}
