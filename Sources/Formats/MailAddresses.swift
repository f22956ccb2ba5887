enum MailAddresses {
    static func parse(_ bytes: [UInt8]) -> [MailAddress] { [] }
}
