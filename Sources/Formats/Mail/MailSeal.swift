import Domain

extension MailSeal {
    /// What stands in place of words that cannot be read.
    var note: String {
        """
        This mail is encrypted with \(system.rawValue). There is no key for it here: ask the sender to write in clear, or open it in the \
        mail program that has the key.
        此邮件已用 \(system.rawValue) 加密，这里没有密钥：请发件人改发未加密的邮件，或在持有密钥的邮件程序中打开。
        """
    }
}
