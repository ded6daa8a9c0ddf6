"""What a new password must be, said in each of the shop's languages."""

from django.contrib.auth import password_validation
from django.utils.translation import ngettext


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    """Django's own, whose words of 5.2 its catalogues translate to no language yet."""

    def get_error_message(self) -> str:
        return ngettext(
            "Choose a password of at least %(n)s character.",
            "Choose a password of at least %(n)s characters.",
            self.min_length,
        ) % {"n": self.min_length}
