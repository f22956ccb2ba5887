/// Names of attachments as a file system may see them.
enum FileName {
    static let lengthMax = 150

    /// The last path component without control characters and hidden dots; made from type and number when nothing is left.
    static func safe(_ name: String?, type: String, number: Int) -> String {
        let last = (name ?? "").unicodeScalars.split { $0 == "/" || $0 == "\\" }.last.map { String(String.UnicodeScalarView($0)) } ?? ""
        var text = String(String.UnicodeScalarView(last.unicodeScalars.filter(isVisible)))
        text = ASCII.trim(text)
        while text.hasPrefix(".") { text.removeFirst() }
        if text.isEmpty { return "attachment-\(number).\(suffixes[type] ?? "bin")" }
        guard text.count > lengthMax else { return text }
        let suffix = text.split(separator: ".", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let isSuffix = !suffix.isEmpty && suffix.count <= 10 && suffix.count < text.count
        return isSuffix ? String(text.prefix(lengthMax - suffix.count - 1)) + "." + suffix : String(text.prefix(lengthMax))
    }

    /// For names made from subjects, where a slash parts words, not folders.
    static func withoutSlashes(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "/" || $0 == "\\" ? "-" : $0 }))
    }

    /// Neither control characters nor the marks that turn `exe.txt` around.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x22, 0x7F...0x9F, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFFD: false
        default: true
        }
    }

    private static let suffixes = [
        "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/csv": "csv", "text/vcard": "vcf", "text/x-vcard": "vcf",
        "image/png": "png", "image/jpeg": "jpg", "image/jpg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg",
        "image/heic": "heic", "image/tiff": "tiff", "image/bmp": "bmp", "application/pdf": "pdf", "application/zip": "zip",
        "application/json": "json", "application/xml": "xml", "text/xml": "xml", "application/msword": "doc", "audio/mpeg": "mp3",
        "video/mp4": "mp4", "message/rfc822": "eml", "message/delivery-status": "txt", "text/rfc822-headers": "txt",
        "message/feedback-report": "txt", "message/disposition-notification": "txt", "application/pkcs7-signature": "p7s",
        "application/pgp-signature": "asc", "application/ms-tnef": "dat",
    ]
}
