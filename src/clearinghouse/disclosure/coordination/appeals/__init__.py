"""Appeals: a finder contests what was made of its report, and another person than who decided answers, with a reason.

Belongs here: appeals, their states and their answers (ISO/IEC 29147:2018, 6.2.6: a reporter may disagree). Does not belong here: the deed
that follows on an appeal that is upheld (`app/appeals.py` does it by the actions there are).
"""
