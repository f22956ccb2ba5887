/// What the first bytes of a file say it is, whatever its name and declared type claim.
public enum MagicType {
    /// Enough for every sign below.
    public static let prefixBytes = 4096
    /// What a machine runs when somebody opens it.
    static let programs: Set<String> = [
        "application/x-msdownload", "application/x-msdos-program", "application/x-elf", "application/java-archive", "application/java-vm",
        "application/vnd.android.package-archive", "application/vnd.microsoft.portable-executable", "application/x-executable",
    ]

    private static let signs: [(type: String, offset: Int, bytes: [UInt8])] = [
        ("image/png", 0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A]), ("image/jpeg", 0, [0xFF, 0xD8, 0xFF]),
        ("image/gif", 0, Array("GIF87a".utf8)), ("image/gif", 0, Array("GIF89a".utf8)), ("image/tiff", 0, [0x49, 0x49, 0x2A, 0x00]),
        ("image/tiff", 0, [0x4D, 0x4D, 0x00, 0x2A]), ("image/vnd.adobe.photoshop", 0, Array("8BPS".utf8)),
        ("image/x-icon", 0, [0, 0, 1, 0]), ("application/pdf", 0, Array("%PDF-".utf8)),
        ("application/postscript", 0, Array("%!PS".utf8)), ("text/rtf", 0, Array("{\\rtf".utf8)),
        ("application/gzip", 0, [0x1F, 0x8B]), ("application/x-bzip2", 0, Array("BZh".utf8)),
        ("application/x-xz", 0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]), ("application/zstd", 0, [0x28, 0xB5, 0x2F, 0xFD]),
        ("application/x-7z-compressed", 0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        ("application/vnd.rar", 0, Array("Rar!\u{1A}\u{07}".utf8)),
        ("application/x-tar", 257, Array("ustar".utf8)), ("application/x-elf", 0, [0x7F, 0x45, 0x4C, 0x46]),
        ("application/x-sqlite3", 0, Array("SQLite format 3\u{0}".utf8)), ("application/java-vm", 0, [0xCA, 0xFE, 0xBA, 0xBE]),
        ("application/vnd.ms-tnef", 0, [0x78, 0x9F, 0x3E, 0x22]), ("application/x-ole-storage", 0, [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1]),
        ("audio/flac", 0, Array("fLaC".utf8)), ("audio/ogg", 0, Array("OggS".utf8)), ("audio/mpeg", 0, Array("ID3".utf8)),
        ("audio/amr", 0, Array("#!AMR".utf8)), ("audio/midi", 0, Array("MThd".utf8)), ("video/x-matroska", 0, [0x1A, 0x45, 0xDF, 0xA3]),
        ("video/x-flv", 0, Array("FLV\u{1}".utf8)), ("video/mpeg", 0, [0, 0, 1, 0xBA]), ("font/woff2", 0, Array("wOF2".utf8)),
        ("text/calendar", 0, Array("BEGIN:VCALENDAR".utf8)), ("text/vcard", 0, Array("BEGIN:VCARD".utf8)),
        ("application/pgp-signature", 0, Array("-----BEGIN PGP SIGNATURE-----".utf8)),
        ("application/pgp-encrypted", 0, Array("-----BEGIN PGP MESSAGE-----".utf8)),
        ("application/pgp-keys", 0, Array("-----BEGIN PGP PUBLIC KEY BLOCK-----".utf8)),
    ]

    /// Nil when nothing is certain.
    public static func detect(_ bytes: [UInt8]) -> String? {
        let b = bytes.prefix(prefixBytes)
        func has(_ text: String, at offset: Int) -> Bool {
            b.count >= offset + text.utf8.count && b[offset..<(offset + text.utf8.count)].elementsEqual(text.utf8)
        }
        for sign in signs where b.count >= sign.offset + sign.bytes.count {
            if b[sign.offset..<(sign.offset + sign.bytes.count)].elementsEqual(sign.bytes) { return sign.type }
        }
        if has("RIFF", at: 0) {
            return has("WEBP", at: 8) ? "image/webp" : has("WAVE", at: 8) ? "audio/wav" : has("AVI ", at: 8) ? "video/avi" : nil
        }
        if has("ftyp", at: 4) {
            if has("heic", at: 8) || has("heix", at: 8) || has("mif1", at: 8) { return "image/heic" }
            if has("avif", at: 8) { return "image/avif" }
            if has("M4A", at: 8) { return "audio/mp4" }
            return has("qt", at: 8) ? "video/quicktime" : "video/mp4"
        }
        if has("PK\u{3}\u{4}", at: 0) { return zip(Array(b)) }
        if has("MZ", at: 0), b.count > 64 { return "application/x-msdownload" }
        if has("BM", at: 0), b.count > 26, b[6] == 0, b[7] == 0, b[8] == 0, b[9] == 0 { return "image/bmp" }
        return markup(b)
    }

    /// Office files and packages are archives whose first names tell.
    private static func zip(_ bytes: [UInt8]) -> String {
        let names: [(StaticString, String)] = [
            ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
            ("mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
            ("mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
            ("mimetypeapplication/epub+zip", "application/epub+zip"), ("META-INF/MANIFEST.MF", "application/java-archive"),
            ("AndroidManifest.xml", "application/vnd.android.package-archive"),
        ]
        for (name, type) in names where ASCII.find(name, in: bytes) != nil { return type }
        return "application/zip"
    }

    private static func markup(_ b: ArraySlice<UInt8>) -> String? {
        let start = b.drop { ASCII.isSpace($0) || $0 == 0xEF || $0 == 0xBB || $0 == 0xBF }.prefix(200).map(ASCII.lower)
        if start.starts(with: "<!doctype html".utf8) || start.starts(with: "<html".utf8) { return "text/html" }
        if start.starts(with: "<svg".utf8) { return "image/svg+xml" }
        if start.starts(with: "<?xml".utf8) { return ASCII.find("<svg", in: start) != nil ? "image/svg+xml" : "application/xml" }
        return nil
    }
}
